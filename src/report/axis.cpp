#include "report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "report/markup.h"

namespace cambium::report {
namespace {

// 1, 2 or 5 times a power of ten, so that about `wanted` steps fill the range.
double round_step(double range, int wanted) {
  const double raw = range / wanted;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw * 0.999) return factor * power;
  }
  return 10 * power;
}

}  // namespace

Axis::Axis(double low, double high, double begin, double end, bool logarithmic)
    : low_(low), high_(high), begin_(begin), end_(end), logarithmic_(logarithmic && low > 0) {
  if (!(high_ > low_)) {
    const double pad = low_ == 0 ? 1 : std::abs(low_) * 0.1;
    low_ -= logarithmic_ ? 0.5 * low_ : pad;
    high_ += logarithmic_ ? high_ : pad;
  }
  if (logarithmic_) {
    const double first = std::floor(std::log10(low_) + 1e-9);
    const double last = std::ceil(std::log10(high_) - 1e-9);
    const bool fine = last - first <= 2;
    for (double power = first; power <= last; power += 1) {
      for (const double factor : {1.0, 2.0, 5.0}) {
        const double tick = factor * std::pow(10.0, power);
        if ((factor == 1 || fine) && tick >= low_ * 0.999 && tick <= high_ * 1.001) ticks_.push_back(tick);
      }
    }
    return;
  }
  const double step = round_step(high_ - low_, 5);
  low_ = std::floor(low_ / step + 1e-9) * step;
  high_ = std::ceil(high_ / step - 1e-9) * step;
  const auto count = static_cast<int>(std::lround((high_ - low_) / step));
  for (int i = 0; i <= count; ++i) {
    const double tick = low_ + i * step;
    ticks_.push_back(std::abs(tick) < step * 1e-9 ? 0 : tick);
  }
}

double Axis::at(double value) const {
  const double share = logarithmic_ ? std::log(value / low_) / std::log(high_ / low_) : (value - low_) / (high_ - low_);
  return begin_ + share * (end_ - begin_);
}

void draw_axes(SvgCanvas& canvas, const Frame& frame, const Axis& x, const Axis& y, const std::string& x_name,
               const std::string& y_name) {
  for (const double tick : y.ticks()) {
    canvas.line(frame.left, y.at(tick), frame.right, y.at(tick), "class=\"rule\" stroke=\"#d5d9d4\"");
    canvas.text(frame.left - 6, y.at(tick) + 4, number_text(tick, 4), Anchor::kEnd, "class=\"quiet\"");
  }
  for (const double tick : x.ticks()) {
    canvas.line(x.at(tick), frame.bottom, x.at(tick), frame.bottom + 4, "class=\"axis\" stroke=\"#5b625e\"");
    canvas.text(x.at(tick), frame.bottom + 17, number_text(tick, 4), Anchor::kMiddle, "class=\"quiet\"");
  }
  canvas.line(frame.left, frame.bottom, frame.right, frame.bottom, "class=\"axis\" stroke=\"#5b625e\"");
  canvas.text((frame.left + frame.right) / 2, frame.bottom + 34, x_name, Anchor::kMiddle);
  canvas.text(4, frame.top - 12, y_name, Anchor::kStart);
}

double draw_legend(SvgCanvas& canvas, const Frame& frame, double y, const std::vector<std::string>& names,
                   const std::string& level) {
  const double left = std::min(frame.left, 64.0);
  double x = left;
  y += 14;
  // Where a name's marker goes; a name wider than the chart takes several lines.
  const auto place = [&](const std::string& name) {
    const std::vector<std::string> lines = wrapped(name, frame.right - left - 30);
    const double need = (lines.size() > 1 ? frame.right : text_width(name)) + 40;
    if (x > left && x + need > frame.right) {
      x = left;
      y += 18;
    }
    const std::pair at{x, y};
    for (std::size_t line = 0; line < lines.size(); ++line) {
      if (line > 0) y += 16;
      canvas.text(at.first + 22, y, lines[line]);
    }
    x += need;
    return at;
  };
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto [at, line] = place(names[i]);
    canvas.line(at, line - 4, at + 16, line - 4, fmt::format("stroke=\"{}\" stroke-width=\"2\"", series_colour(i)));
    canvas.marker(at + 8, line - 4, 4.5, i);
  }
  if (!level.empty()) {
    const auto [at, line] = place(level);
    canvas.line(at, line - 4, at + 16, line - 4, "class=\"axis\" stroke=\"#5b625e\" stroke-dasharray=\"5 4\"");
  }
  return y + 10;
}

}  // namespace cambium::report
