#include "report/forest_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/axis.h"
#include "report/markup.h"

namespace cambium::report {
namespace {

std::string colour_of(const Contrast& contrast) {
  const int seen = contrast.low > 0 ? 1 : (contrast.high < 0 ? -1 : 0);
  if (seen == 0) return "var(--quiet,#5b625e)";
  if (contrast.expected == 0) return "var(--s3,#3454a4)";
  return seen == contrast.expected ? "var(--good,#1f6f4a)" : "var(--bad,#b02a2a)";
}

}  // namespace

std::string forest_plot_svg(const ForestPlot& plot) {
  constexpr double kRow = 26;
  double low = 0;
  double high = 0;
  double names = 60;
  double notes = 0;
  for (const Contrast& contrast : plot.contrasts) {
    for (const double value : {contrast.low, contrast.high, contrast.estimate}) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
    names = std::max(names, text_width(contrast.name) + 34);
    notes = std::max(notes, text_width(contrast.note) + 14);
  }
  const Frame frame{names, 34, names + 380, 34 + kRow * static_cast<double>(plot.contrasts.size())};
  SvgCanvas canvas(frame.right + notes + 10, frame.bottom + 46, plot.title, plot.description);
  canvas.text(4, 16, plot.title, Anchor::kStart, "font-weight=\"600\"");
  const Axis x(low, high, frame.left, frame.right);
  for (const double tick : x.ticks()) {
    canvas.line(x.at(tick), frame.top, x.at(tick), frame.bottom, "class=\"rule\" stroke=\"#d5d9d4\"");
    canvas.text(x.at(tick), frame.bottom + 16, number_text(tick, 4), Anchor::kMiddle, "class=\"quiet\"");
  }
  canvas.line(x.at(0), frame.top - 4, x.at(0), frame.bottom + 4,
              "class=\"axis\" stroke=\"#5b625e\" stroke-width=\"1.5\"");
  for (std::size_t i = 0; i < plot.contrasts.size(); ++i) {
    const Contrast& contrast = plot.contrasts[i];
    const double y = frame.top + (static_cast<double>(i) + 0.5) * kRow;
    const std::string arrow = contrast.expected == 0 ? "" : (contrast.expected > 0 ? " →" : " ←");
    canvas.text(frame.left - 10, y + 4, contrast.name + arrow, Anchor::kEnd);
    if (!std::isfinite(contrast.estimate)) {
      canvas.text(frame.left + 8, y + 4, "missing", Anchor::kStart, "class=\"quiet\"");
      continue;
    }
    const std::string colour = colour_of(contrast);
    canvas.line(x.at(contrast.low), y, x.at(contrast.high), y, fmt::format("stroke=\"{}\" stroke-width=\"3\"", colour));
    canvas.circle(x.at(contrast.estimate), y, 5, fmt::format("fill=\"{}\"", colour),
                  fmt::format("{}: {} ({} to {})", contrast.name, number_text(contrast.estimate),
                              number_text(contrast.low), number_text(contrast.high)));
    canvas.text(frame.right + 10, y + 4, contrast.note, Anchor::kStart, "class=\"quiet\"");
  }
  canvas.text((frame.left + frame.right) / 2, frame.bottom + 34, plot.x_name, Anchor::kMiddle);
  return canvas.finish();
}

}  // namespace cambium::report
