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
  /// What was asked for, drawn as a thin strip under each bar; empty: none.
  std::vector<double> asked = {};
};

/// @throws ShapeError  values.size() is not bars x parts, or asked has another size and is not empty
[[nodiscard]] std::string stacked_bars_svg(const StackedBars& chart);

}  // namespace cambium::report
