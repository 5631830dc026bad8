#include "report/stacked_bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/axis.h"
#include "report/markup.h"
#include "tensor/error.h"

namespace cambium::report {

std::string stacked_bars_svg(const StackedBars& chart) {
  if (chart.values.size() != chart.bars.size() * chart.parts.size()) {
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
  const Frame frame{names, 34, names + 480, 34 + kRow * static_cast<double>(chart.bars.size())};
  SvgCanvas canvas(frame.right + 40, frame.bottom + 60 + 18 * std::ceil(static_cast<double>(chart.parts.size()) / 3.0),
                   chart.title, chart.description);
  canvas.text(4, 16, chart.title, Anchor::kStart, "font-weight=\"600\"");
  const Axis x(0, longest > 0 ? longest : 1, frame.left, frame.right);
  for (const double tick : x.ticks()) {
    canvas.line(x.at(tick), frame.top, x.at(tick), frame.bottom, "class=\"rule\" stroke=\"#d5d9d4\"");
    canvas.text(x.at(tick), frame.bottom + 16, number_text(tick, 4), Anchor::kMiddle, "class=\"quiet\"");
  }
  for (std::size_t b = 0; b < chart.bars.size(); ++b) {
    const double y = frame.top + static_cast<double>(b) * kRow;
    canvas.text(frame.left - 8, y + kRow / 2 + 4, chart.bars[b], Anchor::kEnd);
    double from = 0;
    for (std::size_t p = 0; p < chart.parts.size(); ++p) {
      const double value = chart.values[b * chart.parts.size() + p];
      if (!(value > 0)) continue;
      canvas.rectangle(x.at(from), y + 4, x.at(from + value) - x.at(from), kRow - 8,
                       fmt::format("fill=\"{}\"", series_colour(p)),
                       fmt::format("{}, {}: {} {}", chart.bars[b], chart.parts[p], number_text(value, 4), chart.unit));
      from += value;
    }
  }
  canvas.text((frame.left + frame.right) / 2, frame.bottom + 32, chart.unit, Anchor::kMiddle);
  draw_legend(canvas, frame, frame.bottom + 38, chart.parts);
  return canvas.finish();
}

}  // namespace cambium::report
