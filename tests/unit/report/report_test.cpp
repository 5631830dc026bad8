#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "report/heat_map.h"
#include "report/html_page.h"
#include "report/markup.h"
#include "report/table.h"
#include "tensor/error.h"

namespace cambium::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Markup, EscapesWhatWouldBecomeATag) { EXPECT_EQ(escaped("a<b>&\"'\x01"), "a&lt;b&gt;&amp;&quot;&#39;"); }

TEST(Markup, PrintsNumbersForReaders) {
  EXPECT_EQ(number_text(-0.00123456), "−0.00123");
  EXPECT_EQ(number_text(2), "2");
  EXPECT_EQ(number_text(NAN), "–");
}

TEST(HtmlPage, AsksNothingOfTheNetwork) {
  const std::string page = html_page("A & B", "<p>x</p>");
  EXPECT_THAT(page, HasSubstr("<title>A &amp; B</title>"));
  EXPECT_THAT(page, Not(HasSubstr("http")));
}

TEST(HeatMap, ColoursTheLargestCellDarkestAndLeavesNanOut) {
  HeatMap map{.title = "shift",
              .description = "d",
              .unit = "u",
              .rows = {"0", "1"},
              .columns = {"q", "k"},
              .values = {0, 1, 2, NAN}};
  const std::string svg = heat_map_svg(map);
  EXPECT_THAT(svg, HasSubstr("fill=\"#084546\"><title>1, q: 2 u</title>"));
  EXPECT_THAT(svg, HasSubstr("<title>0, k: 1 u</title>"));
  EXPECT_THAT(svg, Not(HasSubstr("<title>1, k:")));
}

TEST(HeatMap, RefusesAWrongNumberOfValues) {
  const HeatMap map{.title = "t", .description = "", .unit = "", .rows = {"a"}, .columns = {"b"}, .values = {1, 2}};
  EXPECT_THROW((void)heat_map_svg(map), ShapeError);
}

TEST(Table, EscapesForItsForm) {
  const Table table{.caption = "c", .header = {"model", "acc"}, .rows = {{"a|b<", "0.5"}}};
  EXPECT_THAT(table_html(table), HasSubstr("<th scope=\"row\">a|b&lt;</th><td>0.5</td>"));
  EXPECT_EQ(table_markdown(table), "c\n\n| model | acc |\n|---|---:|\n| a\\|b< | 0.5 |\n");
}

}  // namespace
}  // namespace cambium::report
