#pragma once

#include <string>
#include <vector>

namespace cambium::report {

/// A table of numbers shown as coloured cells: layer x module shift, layer x head accuracy ...
struct HeatMap {
  std::string title;
  std::string description;           ///< for readers who do not see it: what stands where, what the largest values are
  std::string unit;                  ///< beside the colour scale
  std::vector<std::string> rows;     ///< labels, top to bottom
  std::vector<std::string> columns;  ///< labels, left to right
  std::vector<double> values;        ///< [rows, columns], row-major; NaN: no cell
  bool diverging = false;            ///< two colours around 0 instead of one from 0 (or the smallest) upwards
  bool logarithmic = false;  ///< colour follows the logarithm; needs values > 0, others are drawn as the smallest
  double largest = 0;        ///< end of the colour scale, to share it between maps; 0: the largest value seen
};

/// @throws ShapeError  values.size() is not rows x columns
[[nodiscard]] std::string heat_map_svg(const HeatMap& map);

}  // namespace cambium::report
