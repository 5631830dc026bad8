#pragma once

#include <limits>
#include <string>
#include <vector>

namespace cambium::report {

/// One line of a chart; `low` and `high` (both empty or as long as y) are the band of an interval.
struct Series {
  std::string name;
  std::vector<double> x, y, low, high;
};

/// Lines over a number: recovery over alpha, forgetting over tokens ...
struct LineChart {
  std::string title, description, x_name, y_name;
  std::vector<Series> series;
  bool logarithmic_x = false;
  /// A level to compare with, drawn dashed across: the base model's score. NaN: none.
  double level = std::numeric_limits<double>::quiet_NaN();
  std::string level_name;
};

/// Points whose x or y is NaN interrupt the line. @throws ShapeError  lengths of a series differ
[[nodiscard]] std::string line_chart_svg(const LineChart& chart);

}  // namespace cambium::report
