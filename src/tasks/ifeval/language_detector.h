#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cambium::tasks::ifeval {

/// The language a text is most likely in, as langdetect 1.0.9 finds it: a naive Bayes classifier over sequences of one
/// to three characters, drawn at random until one language has all the probability, seven times over.
///
/// @param text  UTF-8; the first 10,000 characters behind the removal of addresses count
/// @param seed  of the draws: the same seed gives the answer of langdetect's `DetectorFactory.seed = seed` (with its
///              profiles loaded in alphabetical order). The reference scorer of IFEval leaves it unseeded.
/// @return      an ISO 639-1 code, "zh-cn", "zh-tw", or "unknown" where no language reaches a tenth; nothing if the
/// text
///              has no sequence that any language knows (only digits and marks)
/// Cost: about a millisecond; the first call decodes the profiles (20 ms).
[[nodiscard]] std::optional<std::string> detect_language(std::string_view text, std::uint64_t seed = 0);

}  // namespace cambium::tasks::ifeval
