#include "report/stacked_bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/axis.h"
#include "report/markup.h"
#include "tensor/error.h"

namespace cambium::report {

std::string stacked_bars_svg(const StackedBars& chart) {
  if (chart.values.size() != chart.bars.size() * chart.parts.size() ||
      (!chart.asked.empty() && chart.asked.size() != chart.values.size())) {
    throw ShapeError(fmt::format("bars '{}': {} values for {} bars of {} parts", chart.title, chart.values.size(),
                                 chart.bars.size(), chart.parts.size()));
  }
  constexpr double kRow = 28;
  double longest = 0;
  double names = 40;
  for (std::size_t b = 0; b < chart.bars.size(); ++b) {
    double sum = 0;
    for (std::size_t p = 0; p < chart.parts.size(); ++p) sum += std::max(0.0, chart.values[b * chart.parts.size() + p]);
    longest = std::max(longest, sum);
    names = std::max(names, text_width(chart.bars[b]) + 14);
  }
  const double width = std::max(640.0, names + 320);
  SvgCanvas canvas(width, 100, chart.title, chart.description);
  const double top = canvas.heading(chart.title) + 12;
  const Frame frame{names, top, width - 30, top + kRow * static_cast<double>(chart.bars.size())};
  const Axis x(0, longest > 0 ? longest : 1, frame.left, frame.right);
  for (const double tick : x.ticks()) {
    canvas.line(x.at(tick), frame.top, x.at(tick), frame.bottom, "class=\"rule\" stroke=\"#d5d9d4\"");
    canvas.text(x.at(tick), frame.bottom + 16, number_text(tick, 4), Anchor::kMiddle, "class=\"quiet\"");
  }
  for (std::size_t b = 0; b < chart.bars.size(); ++b) {
    const double y = frame.top + static_cast<double>(b) * kRow;
    canvas.text(frame.left - 8, y + kRow / 2 + 4, chart.bars[b], Anchor::kEnd);
    const auto strip = [&](const std::vector<double>& values, double at, double height, std::string_view what) {
      double from = 0;
      for (std::size_t p = 0; p < chart.parts.size(); ++p) {
        const double value = values[b * chart.parts.size() + p];
        if (!(value > 0)) continue;
        canvas.rectangle(
            x.at(from), at, x.at(from + value) - x.at(from), height,
            fmt::format("class=\"part\" fill=\"{}\"", series_colour(p)),
            fmt::format("{}, {}{}: {} {}", chart.bars[b], chart.parts[p], what, number_text(value, 4), chart.unit));
        from += value;
      }
    };
    strip(chart.values, y + 4, chart.asked.empty() ? kRow - 8 : kRow - 13, "");
    if (!chart.asked.empty()) strip(chart.asked, y + kRow - 7, 4, ", asked for");
  }
  canvas.text((frame.left + frame.right) / 2, frame.bottom + 32, chart.unit, Anchor::kMiddle);
  canvas.set_height(draw_legend(canvas, {64, 0, width - 10, 0}, frame.bottom + 38, chart.parts));
  return canvas.finish();
}

}  // namespace cambium::report
