#include "report/svg_canvas.h"

#include <fmt/format.h>

#include <array>

#include "report/markup.h"

namespace cambium::report {
namespace {

std::string closed(std::string_view element, std::string_view tip) {
  if (tip.empty()) return fmt::format("{}/>\n", element);
  return fmt::format("{}><title>{}</title></{}>\n", element, escaped(tip), element.substr(1, element.find(' ') - 1));
}

}  // namespace

SvgCanvas::SvgCanvas(double width, double height, std::string_view title, std::string_view description)
    : width_(width), height_(height) {
  body_ = fmt::format("<title>{}</title>\n<desc>{}</desc>\n", escaped(title), escaped(description));
}

void SvgCanvas::line(double x1, double y1, double x2, double y2, std::string_view style) {
  body_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1, x2, y2, style);
}

void SvgCanvas::rectangle(double x, double y, double width, double height, std::string_view style,
                          std::string_view tip) {
  body_ += closed(
      fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" {}", x, y, width, height, style),
      tip);
}

void SvgCanvas::circle(double x, double y, double radius, std::string_view style, std::string_view tip) {
  body_ += closed(fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" {}", x, y, radius, style), tip);
}

void SvgCanvas::polyline(std::string_view points, std::string_view style) {
  body_ += fmt::format("<polyline points=\"{}\" fill=\"none\" {}/>\n", points, style);
}

void SvgCanvas::polygon(std::string_view points, std::string_view style) {
  body_ += fmt::format("<polygon points=\"{}\" {}/>\n", points, style);
}

void SvgCanvas::text(double x, double y, std::string_view text, Anchor anchor, std::string_view style) {
  constexpr std::array<std::string_view, 3> kAnchors{"start", "middle", "end"};
  body_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" {}>{}</text>\n", x, y,
                       kAnchors[static_cast<std::size_t>(anchor)], style, escaped(text));
}

std::string SvgCanvas::finish() const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {:.0f} {:.0f}\" width=\"{:.0f}\" "
      "height=\"{:.0f}\" "
      "font-size=\"12\" font-family=\"system-ui,sans-serif\">\n{}</svg>\n",
      width_, height_, width_, height_, body_);
}

std::string series_colour(std::size_t index) {
  constexpr std::array<std::string_view, 6> kFallbacks{"#1f6f4a", "#b3541e", "#3454a4",
                                                       "#8a3a8c", "#7a6a00", "#0a7c8c"};
  return fmt::format("var(--s{},{})", index % 6 + 1, kFallbacks[index % 6]);
}

double text_width(std::string_view text) {
  double width = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0U) == 0x80U) continue;  // continuation bytes of UTF-8
    width += c == 'i' || c == 'l' || c == '.' || c == ',' || c == ' ' || c == '\''
                 ? 3.6
                 : (c == 'm' || c == 'w' || c == 'M' || c == 'W' ? 10 : 6.9);
  }
  return width;
}

}  // namespace cambium::report
