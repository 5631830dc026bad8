#pragma once

#include <string>
#include <vector>

namespace cambium::report {

/// Bars made of parts, one bar a row: shares of a mixture, kinds of errors ...
struct StackedBars {
  std::string title, description, unit;
  std::vector<std::string> parts;  ///< legend, in the order they stand in a bar
  std::vector<std::string> bars;   ///< labels, top to bottom
  std::vector<double> values;      ///< [bars, parts], row-major, >= 0
};

/// @throws ShapeError  values.size() is not bars x parts
[[nodiscard]] std::string stacked_bars_svg(const StackedBars& chart);

}  // namespace cambium::report
