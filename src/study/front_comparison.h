#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "study/scores.h"
#include "study/study_file.h"

namespace cambium::study {

/// A merge's scores in what is to be kept and in what is to be gained.
struct KeptAndGained {
  double kept = 0, gained = 0;
};

/// How much more the second family of merges gains than the first where both keep the same: the difference of their
/// fronts (what no other point of the family beats in both, joined by straight lines), averaged over the scores that
/// both fronts reach.
/// @return nothing if there is no such score
[[nodiscard]] std::optional<double> front_gap(std::span<const KeptAndGained> first,
                                              std::span<const KeptAndGained> second);

/// For a sweep over two axes, one of numbers: its families (the other axis's values) against the first of them at equal
/// scores in `keep`, each a sentence. With three seeds or more the gap of each seed is a value of the interval.
[[nodiscard]] std::vector<std::string> front_sentences(const StudyFile& study, const Sweep& sweep,
                                                       const std::string& base, const Scores& scores);

}  // namespace cambium::study
