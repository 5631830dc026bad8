#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "report/axis.h"
#include "report/forest_plot.h"
#include "report/heat_map.h"
#include "report/html_page.h"
#include "report/line_chart.h"
#include "report/markup.h"
#include "report/scatter_plot.h"
#include "report/stacked_bars.h"
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
  EXPECT_EQ(number_text(240000), "240k");
  EXPECT_EQ(number_text(1134080), "1.13M");
  EXPECT_EQ(number_text(0.00001), "1e−5");
  EXPECT_EQ(number_text(2.5e-11), "2.5e−11");
  EXPECT_EQ(number_text(8.88e-17), "0");
  EXPECT_EQ(number_text(6620), "6620");
  EXPECT_EQ(number_text(999960), "1000k");
  EXPECT_EQ(signed_text(-0.04), "0.0");
  EXPECT_EQ(signed_text(8.94), "+8.9");
  EXPECT_EQ(number_text(NAN), "–");
}

TEST(Wrapped, BreaksBetweenWordsAndWithinOneThatIsTooLong) {
  EXPECT_THAT(wrapped("one two three", text_width("one two")), testing::ElementsAre("one two", "three"));
  const std::vector<std::string> lines = wrapped("a models/small/s1/pictures b", text_width("models/small/"));
  ASSERT_GE(lines.size(), 3U);
  EXPECT_EQ(lines[0], "a");
  std::string joined;
  for (const std::string& line : lines) {
    EXPECT_LE(text_width(line), text_width("models/small/"));
    joined += line;
  }
  EXPECT_THAT(joined, HasSubstr("models/small/s1/pictures"));
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

TEST(Axis, TicksAreRoundAndCoverTheValues) {
  const Axis axis(0.13, 0.91, 0, 100);
  EXPECT_THAT(axis.ticks(),
              testing::ElementsAre(testing::DoubleEq(0.0), testing::DoubleEq(0.2), testing::DoubleEq(0.4),
                                   testing::DoubleNear(0.6, 1e-12), testing::DoubleEq(0.8), testing::DoubleEq(1.0)));
  EXPECT_NEAR(axis.at(0.5), 50, 1e-9);
}

TEST(LineChart, BreaksTheLineAtAMissingPoint) {
  const LineChart chart{.title = "t",
                        .description = "",
                        .x_name = "alpha",
                        .y_name = "acc",
                        .series = {{.name = "s", .x = {0, 1, 2, 3}, .y = {1, NAN, 2, 3}, .low = {}, .high = {}}},
                        .level = NAN,
                        .level_name = ""};
  const std::string svg = line_chart_svg(chart);
  std::size_t lines = 0;
  for (std::size_t at = svg.find("<polyline"); at != std::string::npos; at = svg.find("<polyline", at + 1)) ++lines;
  EXPECT_EQ(lines, 2U);
}

TEST(ForestPlot, TellsAnIntervalAgainstTheExpectation) {
  const ForestPlot plot{
      .title = "t",
      .description = "",
      .x_name = "points",
      .contrasts = {{.name = "a", .estimate = 1, .low = 0.5, .high = 2, .expected = -1, .note = "p"}}};
  EXPECT_THAT(forest_plot_svg(plot), HasSubstr("--bad"));
}

TEST(ParetoFront, KeepsOnlyWhatNothingBeats) {
  const std::vector<Candidate> candidates{
      {"a", 1, 5, 0}, {"b", 2, 4, 0}, {"c", 2, 3, 0}, {"d", 0, 4.5, 0}, {"e", 3, 1, 0}};
  EXPECT_THAT(pareto_front(candidates), testing::ElementsAre(0, 1, 4));
}

TEST(StackedBars, RefusesAWrongNumberOfValues) {
  EXPECT_THROW((void)stacked_bars_svg(
                   {.title = "t", .description = "", .unit = "", .parts = {"a"}, .bars = {"x"}, .values = {}}),
               ShapeError);
}

TEST(Table, EscapesForItsForm) {
  const Table table{.caption = "c", .header = {"model", "acc"}, .rows = {{"a|b<", "0.5"}}};
  EXPECT_THAT(table_html(table), HasSubstr("<th scope=\"row\">a|b&lt;</th><td>0.5</td>"));
  EXPECT_EQ(table_markdown(table), "c\n\n| model | acc |\n|---|---:|\n| a\\|b< | 0.5 |\n");
}

}  // namespace
}  // namespace cambium::report
