#include "report/scatter_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

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

namespace {

struct Box {
  double left, top, right, bottom;
  [[nodiscard]] bool meets(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

// Names beside their points, the first ones first; one that finds no free place is left to its tool tip.
class Names {
 public:
  Names(const Frame& frame, std::vector<Box> taken) : frame_(frame), taken_(std::move(taken)) {}
  void put(SvgCanvas& canvas, double x, double y, const std::string& name) {
    const double width = text_width(name);
    struct Place {
      double dx, dy;
      Anchor anchor;
    };
    constexpr std::array<Place, 6> kPlaces{{{9, 4, Anchor::kStart},
                                            {-9, 4, Anchor::kEnd},
                                            {7, -8, Anchor::kStart},
                                            {7, 16, Anchor::kStart},
                                            {-7, -8, Anchor::kEnd},
                                            {-7, 16, Anchor::kEnd}}};
    for (const Place& place : kPlaces) {
      const double left = place.anchor == Anchor::kStart ? x + place.dx : x + place.dx - width;
      const Box box{left - 1, y + place.dy - 11, left + width + 1, y + place.dy + 3};
      if (box.left < frame_.left || box.right > frame_.right + 50 || box.top < frame_.top - 8 ||
          box.bottom > frame_.bottom)
        continue;
      if (std::ranges::any_of(taken_, [&](const Box& other) { return box.meets(other); })) continue;
      canvas.text(x + place.dx, y + place.dy, name, place.anchor);
      taken_.push_back(box);
      return;
    }
  }

 private:
  Frame frame_;
  std::vector<Box> taken_;
};

}  // namespace

std::string scatter_plot_svg(const ScatterPlot& plot) {
  double x_low = INFINITY, x_high = -INFINITY, y_low = INFINITY, y_high = -INFINITY;
  const auto shown = [](const Candidate& each) { return std::isfinite(each.x) && std::isfinite(each.y); };
  for (const Candidate& candidate : plot.candidates) {
    if (!shown(candidate)) continue;
    x_low = std::min(x_low, candidate.x), x_high = std::max(x_high, candidate.x);
    y_low = std::min(y_low, candidate.y), y_high = std::max(y_high, candidate.y);
  }
  if (!std::isfinite(x_low)) x_low = y_low = 0, x_high = y_high = 1;
  SvgCanvas canvas(640, 500, plot.title, plot.description);
  const double top = canvas.heading(plot.title) + 32;
  const Frame frame{64, top, 580, top + 320};
  const Axis x(x_low, x_high, frame.left, frame.right);
  const Axis y(y_low, y_high, frame.bottom, frame.top);
  draw_axes(canvas, frame, x, y, plot.x_name, plot.y_name);
  const std::vector<std::size_t> front = pareto_front(plot.candidates);
  std::string line;
  for (const std::size_t i : front)
    line += fmt::format("{:.1f},{:.1f} ", x.at(plot.candidates[i].x), y.at(plot.candidates[i].y));
  if (!line.empty()) canvas.polyline(line, "class=\"axis\" stroke=\"#5b625e\" stroke-dasharray=\"3 3\"");
  std::vector<Box> points;
  for (const Candidate& candidate : plot.candidates) {
    if (!shown(candidate)) continue;
    const double px = x.at(candidate.x);
    const double py = y.at(candidate.y);
    points.push_back({px - 5, py - 5, px + 5, py + 5});
    canvas.marker(px, py, 5, candidate.group,
                  fmt::format("{}: {}, {}", candidate.name, number_text(candidate.x, 4), number_text(candidate.y, 4)));
  }
  Names names(frame, std::move(points));
  if (plot.chosen < plot.candidates.size() && shown(plot.candidates[plot.chosen])) {
    const Candidate& chosen = plot.candidates[plot.chosen];
    canvas.circle(x.at(chosen.x), y.at(chosen.y), 9.5,
                  "fill=\"none\" stroke=\"var(--s2,#b3541e)\" stroke-width=\"2.5\"", "chosen: " + chosen.name);
    names.put(canvas, x.at(chosen.x) + 4, y.at(chosen.y), chosen.name + " (chosen)");
  }
  // The points outside of the sweep are what it is compared with.
  for (std::size_t i = 0; i < plot.candidates.size(); ++i) {
    const Candidate& each = plot.candidates[i];
    if (i != plot.chosen && each.group > 0 && shown(each)) names.put(canvas, x.at(each.x), y.at(each.y), each.name);
  }
  for (const std::size_t i : front) {
    const Candidate& each = plot.candidates[i];
    if (i != plot.chosen && each.group == 0) names.put(canvas, x.at(each.x), y.at(each.y), each.name);
  }
  canvas.set_height(draw_legend(canvas, frame, frame.bottom + 42, plot.groups));
  return canvas.finish();
}

}  // namespace cambium::report
