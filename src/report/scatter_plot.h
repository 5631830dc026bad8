#pragma once

#include <string>
#include <vector>

namespace cambium::report {

/// A candidate with two scores, both better when larger.
struct Candidate {
  std::string name;
  double x = 0, y = 0;
  std::size_t group = 0;  ///< colour and legend entry
};

/// Candidates by two scores with their Pareto front.
struct ScatterPlot {
  std::string title, description, x_name, y_name;
  std::vector<std::string> groups;
  std::vector<Candidate> candidates;
  std::size_t chosen = kNone;  ///< a candidate to be ringed
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
};

/// Indices of the candidates that no other one beats in one score without losing in the other, by rising x.
[[nodiscard]] std::vector<std::size_t> pareto_front(const std::vector<Candidate>& candidates);
/// The front is joined by a line; its candidates, and the chosen one, are named where there is room.
[[nodiscard]] std::string scatter_plot_svg(const ScatterPlot& plot);

}  // namespace cambium::report
