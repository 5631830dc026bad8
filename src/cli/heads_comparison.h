#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "eval/heads_run.h"

namespace cambium::cli {

/// Which heads two studies of models of one shape rest on: by the divergence that switching a head off causes.
struct HeadsComparison {
  std::string first, second;  ///< "MODEL, TASK"
  double spearman = 0;        ///< of the divergences over all heads; NaN where they are all equal
  std::size_t top = 0;        ///< heads that count as important: a tenth, at least one
  std::vector<std::pair<std::size_t, std::size_t>> both, only_first, only_second;  ///< (layer, head), important ones
  std::vector<std::string> names;                                                  ///< of all, "layer.head"
  std::vector<double> x, y;                                                        ///< divergences of all
};

/// "3.5", or "3.0-2" for several heads.
[[nodiscard]] std::string head_name(const eval::HeadsRow& row);

/// @throws ShapeError  other layers or heads were switched off
[[nodiscard]] HeadsComparison compare_heads(const std::string& first_name, const eval::HeadsTask& first,
                                            const std::string& second_name, const eval::HeadsTask& second);

/// Spearman's rank correlation, ties sharing their mean rank; NaN if one side is constant.
[[nodiscard]] double rank_correlation(const std::vector<double>& x, const std::vector<double>& y);

}  // namespace cambium::cli
