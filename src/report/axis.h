#pragma once

#include <string>
#include <vector>

#include "report/svg_canvas.h"

namespace cambium::report {

/// One axis of a chart: maps values to pixels and knows its round tick values.
class Axis {
 public:
  /// @param low, high       range of the values; widened to the ticks' round numbers (a linear axis) or to powers (a
  /// logarithmic one)
  /// @param begin, end      pixels of low and high (end < begin for an axis that points upwards)
  /// @param logarithmic     needs low > 0
  Axis(double low, double high, double begin, double end, bool logarithmic = false);

  [[nodiscard]] double at(double value) const;
  [[nodiscard]] const std::vector<double>& ticks() const { return ticks_; }

 private:
  double low_, high_, begin_, end_;
  bool logarithmic_;
  std::vector<double> ticks_;
};

/// Frame of a chart with two axes: where the plot lies, grid lines, tick labels and names of the axes.
struct Frame {
  double left, top, right, bottom;
};
void draw_axes(SvgCanvas& canvas, const Frame& frame, const Axis& x, const Axis& y, const std::string& x_name,
               const std::string& y_name);

/// A legend under a chart: marker and name for each series, wrapped at the frame's width.
/// @param level  name of the chart's dashed level; empty: none
/// @return  y below it
double draw_legend(SvgCanvas& canvas, const Frame& frame, double y, const std::vector<std::string>& names,
                   const std::string& level = {});

}  // namespace cambium::report
