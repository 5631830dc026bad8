#include "report/scatter_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/axis.h"
#include "report/markup.h"

namespace cambium::report {

std::vector<std::size_t> pareto_front(const std::vector<Candidate>& candidates) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (std::isfinite(candidates[i].x) && std::isfinite(candidates[i].y)) order.push_back(i);
  }
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return candidates[a].x != candidates[b].x ? candidates[a].x > candidates[b].x : candidates[a].y > candidates[b].y;
  });
  std::vector<std::size_t> front;
  double best = -INFINITY;
  for (const std::size_t i : order) {
    if (candidates[i].y > best) {
      front.push_back(i);
      best = candidates[i].y;
    }
  }
  std::ranges::reverse(front);
  return front;
}

std::string scatter_plot_svg(const ScatterPlot& plot) {
  double x_low = INFINITY, x_high = -INFINITY, y_low = INFINITY, y_high = -INFINITY;
  for (const Candidate& candidate : plot.candidates) {
    if (!std::isfinite(candidate.x) || !std::isfinite(candidate.y)) continue;
    x_low = std::min(x_low, candidate.x), x_high = std::max(x_high, candidate.x);
    y_low = std::min(y_low, candidate.y), y_high = std::max(y_high, candidate.y);
  }
  if (!std::isfinite(x_low)) x_low = y_low = 0, x_high = y_high = 1;
  const Frame frame{64, 56, 700, 400};
  SvgCanvas canvas(760, 456 + 18 * std::ceil(static_cast<double>(plot.groups.size()) / 3.0), plot.title,
                   plot.description);
  canvas.text(4, 16, plot.title, Anchor::kStart, "font-weight=\"600\"");
  const Axis x(x_low, x_high, frame.left, frame.right);
  const Axis y(y_low, y_high, frame.bottom, frame.top);
  draw_axes(canvas, frame, x, y, plot.x_name, plot.y_name);
  const std::vector<std::size_t> front = pareto_front(plot.candidates);
  std::string line;
  for (const std::size_t i : front)
    line += fmt::format("{:.1f},{:.1f} ", x.at(plot.candidates[i].x), y.at(plot.candidates[i].y));
  if (!line.empty()) canvas.polyline(line, "class=\"axis\" stroke=\"#5b625e\" stroke-dasharray=\"3 3\"");
  for (const Candidate& candidate : plot.candidates) {
    if (!std::isfinite(candidate.x) || !std::isfinite(candidate.y)) continue;
    canvas.circle(x.at(candidate.x), y.at(candidate.y), 5, fmt::format("fill=\"{}\"", series_colour(candidate.group)),
                  fmt::format("{}: {}, {}", candidate.name, number_text(candidate.x, 4), number_text(candidate.y, 4)));
  }
  for (const std::size_t i : front) {
    canvas.text(x.at(plot.candidates[i].x) + 8, y.at(plot.candidates[i].y) - 6, plot.candidates[i].name, Anchor::kStart,
                "font-size=\"11\"");
  }
  draw_legend(canvas, frame, frame.bottom + 40, plot.groups);
  return canvas.finish();
}

}  // namespace cambium::report
