#include "report/line_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/axis.h"
#include "report/markup.h"
#include "tensor/error.h"

namespace cambium::report {
namespace {

struct Range {
  double low = INFINITY;
  double high = -INFINITY;
  void take(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

void check(const LineChart& chart) {
  for (const Series& series : chart.series) {
    const bool band = series.low.size() == series.y.size() && series.high.size() == series.y.size();
    const bool none = series.low.empty() && series.high.empty();
    if (series.x.size() != series.y.size() || !(band || none)) {
      throw ShapeError(fmt::format("chart '{}', series '{}': {} x, {} y, {} low, {} high values", chart.title,
                                   series.name, series.x.size(), series.y.size(), series.low.size(),
                                   series.high.size()));
    }
  }
}

}  // namespace

std::string line_chart_svg(const LineChart& chart) {
  check(chart);
  Range x_range;
  Range y_range;
  for (const Series& series : chart.series) {
    for (const double value : series.x) {
      if (!chart.logarithmic_x || value > 0) x_range.take(value);
    }
    for (const auto* values : {&series.y, &series.low, &series.high}) {
      for (const double value : *values) y_range.take(value);
    }
  }
  y_range.take(chart.level);
  if (!std::isfinite(x_range.low)) x_range = {0, 1};
  if (!std::isfinite(y_range.low)) y_range = {0, 1};
  std::vector<std::string> names;
  for (const Series& series : chart.series) names.push_back(series.name);
  SvgCanvas canvas(640, 400, chart.title, chart.description);
  const double top = canvas.heading(chart.title) + 32;
  const Frame frame{64, top, 620, top + 260};
  const Axis x(x_range.low, x_range.high, frame.left, frame.right, chart.logarithmic_x);
  const Axis y(y_range.low, y_range.high, frame.bottom, frame.top);
  draw_axes(canvas, frame, x, y, chart.x_name, chart.y_name);
  if (std::isfinite(chart.level)) {
    canvas.line(frame.left, y.at(chart.level), frame.right, y.at(chart.level),
                "class=\"axis\" stroke=\"#5b625e\" stroke-dasharray=\"5 4\"");
  }
  for (std::size_t s = 0; s < chart.series.size(); ++s) {
    const Series& series = chart.series[s];
    const std::string colour = series_colour(s);
    std::string upper;
    std::string lower;
    std::string run;
    const auto flush = [&] {
      if (!run.empty()) canvas.polyline(run, fmt::format("stroke=\"{}\" stroke-width=\"2\"", colour));
      run.clear();
    };
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      const bool there =
          std::isfinite(series.x[i]) && std::isfinite(series.y[i]) && (!chart.logarithmic_x || series.x[i] > 0);
      if (!there) {
        flush();
        continue;
      }
      const double px = x.at(series.x[i]);
      run += fmt::format("{:.1f},{:.1f} ", px, y.at(series.y[i]));
      if (!series.low.empty() && std::isfinite(series.low[i]) && std::isfinite(series.high[i])) {
        upper += fmt::format("{:.1f},{:.1f} ", px, y.at(series.high[i]));
        lower = fmt::format("{:.1f},{:.1f} ", px, y.at(series.low[i])) + lower;
      }
    }
    if (!upper.empty()) canvas.polygon(upper + lower, fmt::format("fill=\"{}\" fill-opacity=\"0.16\"", colour));
    flush();
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (!std::isfinite(series.x[i]) || !std::isfinite(series.y[i]) || (chart.logarithmic_x && series.x[i] <= 0))
        continue;
      std::string tip =
          fmt::format("{}: {} at {}", series.name, number_text(series.y[i], 4), number_text(series.x[i], 4));
      if (!series.low.empty() && std::isfinite(series.low[i]))
        tip += fmt::format(" ({} to {})", number_text(series.low[i], 4), number_text(series.high[i], 4));
      canvas.marker(x.at(series.x[i]), y.at(series.y[i]), 4, s, tip);
    }
  }
  canvas.set_height(
      draw_legend(canvas, frame, frame.bottom + 42, names, std::isfinite(chart.level) ? chart.level_name : ""));
  return canvas.finish();
}

}  // namespace cambium::report
