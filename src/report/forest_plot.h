#pragma once

#include <string>
#include <vector>

namespace cambium::report {

/// One contrast: an estimate with its interval, and which way it was expected to go.
struct Contrast {
  std::string name;
  double estimate = 0, low = 0, high = 0;
  int expected = 0;          ///< +1: up, -1: down, 0: nothing was expected
  std::string note;          ///< right of the row, e.g. "p = 0.003"
  std::string heading = {};  ///< above the row, once for neighbours that have the same; empty: none
};

struct ForestPlot {
  std::string title, description, x_name;
  std::vector<Contrast> contrasts;
};

/// Rows of point and interval about a line at 0. An interval wholly on the expected side is drawn in the good colour,
/// wholly on the other in the bad one, else grey; the expected direction is an arrow, so that colour carries nothing
/// alone.
[[nodiscard]] std::string forest_plot_svg(const ForestPlot& plot);

}  // namespace cambium::report
