#include "report/forest_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

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

std::string arrow(int expected) { return expected == 0 ? "" : (expected > 0 ? " →" : " ←"); }

}  // namespace

std::string forest_plot_svg(const ForestPlot& plot) {
  constexpr double kWidth = 680;
  constexpr double kRow = 24;
  constexpr double kLine = 16;
  double low = 0;
  double high = 0;
  double names = 40;
  double notes = 0;
  for (const Contrast& contrast : plot.contrasts) {
    for (const double value : {contrast.low, contrast.high, contrast.estimate}) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
    const std::string own = contrast.heading.empty() ? arrow(contrast.expected) : "";
    names = std::max(names, text_width(contrast.name + own) + 16);
    notes = std::max(notes, text_width(contrast.note) + 16);
  }
  const double width = std::max(kWidth, names + notes + 260);
  SvgCanvas canvas(width, 100, plot.title, plot.description);
  const double top = canvas.heading(plot.title) + 12;
  const Frame frame{names, top, width - notes, top};
  const Axis x(low, high, frame.left, frame.right - 6);
  struct Row {
    const Contrast* contrast;
    double y;
    std::vector<std::string> heading;
  };
  std::vector<Row> rows;
  double bottom = top;
  for (std::size_t i = 0; i < plot.contrasts.size(); ++i) {
    const Contrast& contrast = plot.contrasts[i];
    const bool opens = !contrast.heading.empty() && (i == 0 || plot.contrasts[i - 1].heading != contrast.heading);
    Row row{.contrast = &contrast, .y = 0, .heading = {}};
    if (opens) row.heading = wrapped(contrast.heading + arrow(contrast.expected), width - 16);
    bottom += (opens ? 6 : 0) + kLine * static_cast<double>(row.heading.size());
    row.y = bottom + kRow / 2;
    bottom += kRow;
    rows.push_back(std::move(row));
  }
  for (const double tick : x.ticks()) {
    canvas.line(x.at(tick), top, x.at(tick), bottom, "class=\"rule\" stroke=\"#d5d9d4\"");
    canvas.text(x.at(tick), bottom + 16, number_text(tick, 4), Anchor::kMiddle, "class=\"quiet\"");
  }
  canvas.line(x.at(0), top - 4, x.at(0), bottom + 4, "class=\"axis\" stroke=\"#5b625e\" stroke-width=\"1.5\"");
  for (const Row& row : rows) {
    const Contrast& contrast = *row.contrast;
    const double y = row.y;
    for (std::size_t line = 0; line < row.heading.size(); ++line) {
      const double at = y - kRow / 2 - kLine * static_cast<double>(row.heading.size() - line) + 12;
      // The grid ends where words stand.
      canvas.rectangle(0, at - 12, text_width(row.heading[line]) * 1.06 + 10, kLine,
                       "class=\"ground\" fill=\"#fdfdfb\"");
      canvas.text(4, at, row.heading[line]);
    }
    canvas.text(frame.left - 10, y + 4, contrast.name + (contrast.heading.empty() ? arrow(contrast.expected) : ""),
                Anchor::kEnd, contrast.heading.empty() ? "" : "class=\"quiet\"");
    if (!std::isfinite(contrast.estimate)) {
      canvas.text(frame.left + 8, y + 4, "missing", Anchor::kStart, "class=\"quiet\"");
      continue;
    }
    const std::string colour = colour_of(contrast);
    canvas.line(x.at(contrast.low), y, x.at(contrast.high), y, fmt::format("stroke=\"{}\" stroke-width=\"3\"", colour));
    canvas.circle(x.at(contrast.estimate), y, 5, fmt::format("fill=\"{}\"", colour),
                  fmt::format("{} {}: {} ({} to {})", contrast.heading, contrast.name, number_text(contrast.estimate),
                              number_text(contrast.low), number_text(contrast.high)));
    canvas.text(frame.right + 8, y + 4, contrast.note, Anchor::kStart, "class=\"quiet\"");
  }
  canvas.text((frame.left + frame.right) / 2, bottom + 34, plot.x_name, Anchor::kMiddle);
  canvas.set_height(bottom + 44);
  return canvas.finish();
}

}  // namespace cambium::report
