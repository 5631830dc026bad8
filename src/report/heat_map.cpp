#include "report/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/markup.h"
#include "report/svg_canvas.h"
#include "tensor/error.h"

namespace cambium::report {
namespace {

using Colour = std::array<double, 3>;

// Perceptually even ramps: light to dark green, and blue - pale - orange around zero. Cells carry their own colours on
// both grounds.
constexpr std::array<Colour, 5> kSequential{
    {{247, 250, 235}, {200, 228, 185}, {120, 190, 140}, {45, 135, 105}, {8, 69, 70}}};
constexpr std::array<Colour, 5> kDiverging{
    {{33, 82, 156}, {132, 176, 219}, {246, 246, 242}, {236, 167, 112}, {176, 74, 14}}};

std::string ramp(const std::array<Colour, 5>& colours, double share) {
  const double place = std::clamp(share, 0.0, 1.0) * 4;
  const auto low = std::min<std::size_t>(3, static_cast<std::size_t>(place));
  const double t = place - static_cast<double>(low);
  std::array<int, 3> mixed{};
  for (std::size_t c = 0; c < 3; ++c)
    mixed[c] = static_cast<int>(std::lround(colours[low][c] + t * (colours[low + 1][c] - colours[low][c])));
  return fmt::format("#{:02x}{:02x}{:02x}", mixed[0], mixed[1], mixed[2]);
}

struct Scale {
  double low = 0;
  double high = 1;
  bool diverging = false;
  bool logarithmic = false;

  [[nodiscard]] double share(double value) const {
    if (logarithmic) {
      if (value <= low) return 0;
      return std::log(value / low) / std::log(high / low);
    }
    return (value - low) / (high - low);
  }
  [[nodiscard]] std::string colour(double value) const {
    return ramp(diverging ? kDiverging : kSequential, share(value));
  }
  [[nodiscard]] double at(double share_of_scale) const {
    return logarithmic ? low * std::pow(high / low, share_of_scale) : low + share_of_scale * (high - low);
  }
};

Scale scale_of(const HeatMap& map) {
  double smallest = 0;
  double largest = map.largest;
  double smallest_positive = INFINITY;
  for (const double value : map.values) {
    if (!std::isfinite(value)) continue;
    smallest = std::min(smallest, value);
    if (map.largest == 0) largest = std::max(largest, map.diverging ? std::abs(value) : value);
    if (value > 0) smallest_positive = std::min(smallest_positive, value);
  }
  if (largest <= 0) largest = 1;
  if (map.diverging) return {-largest, largest, true, false};
  if (map.logarithmic && std::isfinite(smallest_positive))
    return {std::min(smallest_positive, largest * 0.999), largest, false, true};
  return {smallest, largest, false, false};
}

}  // namespace

std::string heat_map_svg(const HeatMap& map) {
  if (map.values.size() != map.rows.size() * map.columns.size()) {
    throw ShapeError(fmt::format("heat map '{}': {} values for {} rows and {} columns", map.title, map.values.size(),
                                 map.rows.size(), map.columns.size()));
  }
  const Scale scale = scale_of(map);
  double left = 20;
  for (const std::string& row : map.rows) left = std::max(left, text_width(row) + 12);
  double widest = 0;
  for (const std::string& column : map.columns) widest = std::max(widest, text_width(column));
  const double cell_height = map.rows.size() > 40 ? 14 : 20;
  const double cell_width =
      std::clamp(760.0 / std::max<double>(1, static_cast<double>(map.columns.size())), 14.0, 72.0);
  const bool slanted = widest > cell_width - 2;
  const double right = slanted ? widest * 0.72 : 10;
  const double plain_width = left + cell_width * static_cast<double>(map.columns.size()) + std::max(right, 20.0);
  const double width = std::max(plain_width, left + 300);
  SvgCanvas canvas(width, 100, map.title, map.description);
  const double top = canvas.heading(map.title) + 10 + (slanted ? widest * 0.72 + 12 : 18);
  const double bottom = top + cell_height * static_cast<double>(map.rows.size());
  canvas.set_height(bottom + 52);
  for (std::size_t c = 0; c < map.columns.size(); ++c) {
    const double x = left + (static_cast<double>(c) + 0.5) * cell_width;
    const std::string turn =
        slanted ? fmt::format("transform=\"rotate(-45 {:.1f} {:.1f})\"", x, top - 6) : std::string();
    canvas.text(x, top - 6, map.columns[c], slanted ? Anchor::kStart : Anchor::kMiddle, "class=\"quiet\" " + turn);
  }
  for (std::size_t r = 0; r < map.rows.size(); ++r) {
    const double y = top + static_cast<double>(r) * cell_height;
    canvas.text(left - 6, y + cell_height / 2 + 4, map.rows[r], Anchor::kEnd, "class=\"quiet\"");
    for (std::size_t c = 0; c < map.columns.size(); ++c) {
      const double value = map.values[r * map.columns.size() + c];
      if (std::isnan(value)) continue;
      canvas.rectangle(left + static_cast<double>(c) * cell_width, y, cell_width - 1, cell_height - 1,
                       fmt::format("fill=\"{}\"", scale.colour(value)),
                       fmt::format("{}, {}: {} {}", map.rows[r], map.columns[c], number_text(value, 4), map.unit));
    }
  }
  // The colour scale below.
  constexpr int kSteps = 40;
  for (int i = 0; i < kSteps; ++i) {
    canvas.rectangle(left + 5.0 * i, bottom + 14, 5.2, 10,
                     fmt::format("fill=\"{}\"", scale.colour(scale.at((i + 0.5) / kSteps))));
  }
  canvas.text(left, bottom + 40, number_text(scale.low), Anchor::kStart, "class=\"quiet\"");
  canvas.text(left + 200, bottom + 40, number_text(scale.high) + " " + map.unit, Anchor::kMiddle, "class=\"quiet\"");
  return canvas.finish();
}

}  // namespace cambium::report
