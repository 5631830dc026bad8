#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cambium::report {

/// Where a text stands relative to its point.
enum class Anchor { kStart, kMiddle, kEnd };

/// Builds one SVG picture. Colours are classes and variables of html_page's style sheet with fixed fallbacks, so that
/// the same picture follows light and dark on a page and still reads as a file of its own. Coordinates are pixels, y
/// downwards.
class SvgCanvas {
 public:
  /// @param title, description  what a reader who does not see the picture is told
  SvgCanvas(double width, double height, std::string_view title, std::string_view description);

  /// @param style  attributes, e.g. `stroke="var(--s1,#1f6f4a)"`
  void line(double x1, double y1, double x2, double y2, std::string_view style);
  /// @param tip  shown by the browser on hovering; empty for none
  void rectangle(double x, double y, double width, double height, std::string_view style, std::string_view tip = {});
  void circle(double x, double y, double radius, std::string_view style, std::string_view tip = {});
  /// A point of series number `index`: its colour, and a shape of its own for readers who do not see colours.
  void marker(double x, double y, double radius, std::size_t index, std::string_view tip = {});
  /// @param points  "x,y x,y ..." in SVG's form
  void polyline(std::string_view points, std::string_view style);
  void polygon(std::string_view points, std::string_view style);
  void text(double x, double y, std::string_view text, Anchor anchor = Anchor::kStart, std::string_view style = {});

  /// The picture's name at its upper left, in as many lines as it needs.
  /// @return  y below it
  double heading(std::string_view title);

  /// A picture whose height is known only at the end.
  void set_height(double height) { height_ = height; }

  /// The whole <svg> element.
  [[nodiscard]] std::string finish() const;

 private:
  std::string body_;
  double width_;
  double height_;
};

/// `var(--sN,#hex)`: colour of series number `index`, counted from 0, six of them in turn.
[[nodiscard]] std::string series_colour(std::size_t index);

/// The text's words in lines that are at most `width` wide at font size 12; a longer word is broken.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, double width);

/// The picture as a file of its own: on a light ground, whatever the page that shows it.
[[nodiscard]] std::string standalone(std::string svg);

/// How wide a text is at font size 12, estimated (SVG has no layout): for margins.
[[nodiscard]] double text_width(std::string_view text);

}  // namespace cambium::report
