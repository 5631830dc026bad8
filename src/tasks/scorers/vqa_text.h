#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cambium::tasks {

/// A short answer as the evaluation code of VQA (Antol et al., arXiv:1505.00468) compares it: marks go (or become
/// blanks between words), also the period that no digit follows; lower case; number words to ten and "none" become
/// digits; articles go; contractions get their apostrophe.
[[nodiscard]] std::string vqa_normalised(std::string_view answer);

/// Consensus accuracy of an answer: of the other annotators' answers a third that agree count as all, averaged over
/// leaving out each annotator: mean over i of min(matches among the others / 3, 1). For a single annotator, whether
/// the two agree.
///
/// Both sides are normalised; the original code leaves the annotators' answers as they are where all are the same, and
/// never changes their number words and articles (its data comes with that done).
/// @param annotators  at least one answer
[[nodiscard]] double vqa_accuracy(std::string_view answer, std::span<const std::string> annotators);

}  // namespace cambium::tasks
