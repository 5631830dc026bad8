#include "cli/compare_page.h"

#include <fmt/format.h>

#include "report/forest_plot.h"
#include "report/html_page.h"
#include "report/markup.h"
#include "report/table.h"

namespace cambium::cli {
namespace {

using report::escaped;
using report::number_text;
using report::p_value_text;
using tasks::ComparedMetric;

std::string metric_name(const ComparedMetric& row) {
  return row.filter.empty() || row.filter == "none" ? row.metric : row.metric + ", " + row.filter;
}

// Metrics from 0 to 1 share an axis; perplexities and the like would squash it.
bool is_share(const ComparedMetric& row) { return row.a >= 0 && row.a <= 1 && row.b >= 0 && row.b <= 1; }

std::string plot(const tasks::RunComparison& comparison) {
  report::ForestPlot forest{
      .title = "Differences with 95 % intervals",
      .description = fmt::format("{} minus {}, one row for each task's first metric and each group.", comparison.second,
                                 comparison.first),
      .x_name = "difference, points of 100",
      .contrasts = {}};
  for (const ComparedMetric& row : comparison.metrics) {
    if ((!row.primary && !row.is_group) || !is_share(row)) continue;
    forest.contrasts.push_back(
        {.name = row.task + " (" + metric_name(row) + ")",
         .estimate = 100 * row.difference,
         .low = 100 * row.interval.low,
         .high = 100 * row.interval.high,
         .expected = row.higher_is_better ? 1 : -1,
         .note = "p " + std::string(row.p_value < 0.001 ? "" : "= ") + p_value_text(row.p_value)});
  }
  return forest.contrasts.empty() ? "" : report::figure_html(forest_plot_svg(forest), forest.title);
}

std::string table(const tasks::RunComparison& comparison) {
  report::Table out{.caption = "All metrics",
                    .header = {"task", "metric", "first", "second", "difference", "95 % interval", "p", "p (Holm)", "n",
                               "clusters", "lost / won", "effect size", "detectable", "n needed"},
                    .rows = {}};
  for (const ComparedMetric& row : comparison.metrics) {
    out.rows.push_back({row.is_group ? row.task + " (group)" : row.task, metric_name(row), number_text(row.a, 4),
                        number_text(row.b, 4), number_text(row.difference, 3),
                        number_text(row.interval.low, 3) + " to " + number_text(row.interval.high, 3),
                        p_value_text(row.p_value), row.p_holm ? p_value_text(*row.p_holm) : "",
                        fmt::format("{}", row.n),
                        row.clusters == row.n ? "" : fmt::format("{} ({})", row.clusters, row.cluster_field),
                        row.lost ? fmt::format("{} / {}", *row.lost, *row.won) : "",
                        row.effect_size ? number_text(*row.effect_size, 2) : "",
                        row.detectable_difference ? number_text(*row.detectable_difference, 2) : "",
                        row.samples_needed ? fmt::format("{:.0f}", *row.samples_needed) : ""});
  }
  return table_html(out);
}

}  // namespace

std::string compare_page(const tasks::RunComparison& comparison) {
  const std::string title = fmt::format("{} compared with {}", comparison.second, comparison.first);
  std::string body = fmt::format("<h1>{}</h1>\n", escaped(title));
  body += fmt::format(
      "<p>First: {}. Second: {}. The same samples were answered by both; differences are second minus "
      "first.</p>\n",
      escaped(comparison.first), escaped(comparison.second));
  body += fmt::format("<section>{}</section>\n<section>{}</section>\n", plot(comparison), table(comparison));
  body +=
      "<section><h2>How to read this</h2><p>p: exact McNemar test where answers are right or wrong and samples stand "
      "alone, else a sign-flip permutation test over clusters. Intervals: bias-corrected bootstrap of whole clusters. "
      "Holm: corrected for the number of tasks. Lost / won: right in the first run only / in the second only. Effect "
      "size: mean difference by its standard deviation. Detectable: the true difference that a sample of this size "
      "finds four times in five. n needed: samples to find the seen difference as often.</p></section>\n";
  if (!comparison.notes.empty()) {
    std::string items;
    for (const std::string& note : comparison.notes) items += fmt::format("<li>{}</li>", escaped(note));
    body += fmt::format("<section><h2>Notes</h2><ul>{}</ul></section>\n", items);
  }
  return report::html_page(title, body);
}

}  // namespace cambium::cli
