#include "report/svg_canvas.h"

#include <fmt/format.h>

#include <algorithm>
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

void SvgCanvas::marker(double x, double y, double radius, std::size_t index, std::string_view tip) {
  const std::string fill = fmt::format("fill=\"{}\"", series_colour(index));
  const double r = radius;
  switch (index % 5) {
    case 0:
      circle(x, y, r, fill, tip);
      return;
    case 1:
      rectangle(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r, fill, tip);
      return;
    default:
      break;
  }
  std::string points;
  if (index % 5 == 2) {
    points = fmt::format("{:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f}", x, y - 1.2 * r, x + 1.1 * r, y + 0.8 * r,
                         x - 1.1 * r, y + 0.8 * r);
  } else if (index % 5 == 3) {
    points = fmt::format("{:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f}", x, y - 1.3 * r, x + 1.3 * r, y, x,
                         y + 1.3 * r, x - 1.3 * r, y);
  } else {
    points = fmt::format("{:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f}", x, y + 1.2 * r, x + 1.1 * r, y - 0.8 * r,
                         x - 1.1 * r, y - 0.8 * r);
  }
  body_ += closed(fmt::format("<polygon points=\"{}\" {}", points, fill), tip);
}

double SvgCanvas::heading(std::string_view title) {
  double y = 0;
  // Bold letters are wider than text_width says.
  for (const std::string& line : wrapped(title, (width_ - 12) / 1.08)) {
    y += 16;
    text(4, y, line, Anchor::kStart, "font-weight=\"600\"");
  }
  return y + 4;
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

std::vector<std::string> wrapped(std::string_view text, double width) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    std::string word(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    // A path, say: as much of it as a line holds, at the start of a character.
    while (text_width(word) > width) {
      std::size_t part = word.size();
      while (part > 1 && (text_width(std::string_view(word).substr(0, part)) > width ||
                          (static_cast<unsigned char>(word[part]) & 0xC0U) == 0x80U))
        --part;
      if (!line.empty()) lines.push_back(std::move(line));
      line.clear();
      lines.push_back(word.substr(0, part));
      word.erase(0, part);
    }
    if (!line.empty() && text_width(line + " " + word) > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

std::string standalone(std::string svg) {
  const std::size_t open = svg.find('>');
  if (open == std::string::npos) return svg;
  svg.insert(open + 1,
             "\n<style>text{fill:#1c1f1d}.quiet{fill:#5b625e}</style>"
             "<rect width=\"100%\" height=\"100%\" fill=\"#fdfdfb\"/>");
  return svg;
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
