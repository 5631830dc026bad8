#include "cli/errors_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/html_page.h"
#include "report/markup.h"
#include "report/stacked_bars.h"
#include "report/table.h"

namespace cambium::cli {
namespace {

using report::escaped;
using report::p_value_text;
using tasks::FlippedAnswer;
using tasks::TaskFlips;

std::string counts(const tasks::FlippedAnswers& flipped) {
  report::Table table{
      .caption = "Samples under both runs",
      .header = {"task", "metric", "n", "both right", "both wrong", "right -> wrong", "wrong -> right", "p (McNemar)"},
      .rows = {}};
  for (const TaskFlips& task : flipped.tasks) {
    table.rows.push_back({task.task, task.filter == "none" ? task.metric : task.metric + ", " + task.filter,
                          fmt::format("{}", task.n), fmt::format("{}", task.both_right),
                          fmt::format("{}", task.both_wrong), fmt::format("{}", task.lost), fmt::format("{}", task.won),
                          p_value_text(task.p_value)});
  }
  return table_html(table);
}

std::string kinds(const tasks::FlippedAnswers& flipped, const TaskFlips& task) {
  if (task.kinds.empty()) return {};
  report::StackedBars bars{.title = fmt::format("{}: kinds of wrong answers", task.task),
                           .description = "Wrong answers of both runs, sorted by fixed rules.",
                           .unit = "samples",
                           .parts = {},
                           .bars = {flipped.first, flipped.second},
                           .values = {}};
  report::Table table{.caption = {}, .header = {"kind", "first", "second", "p", "p (Holm)"}, .rows = {}};
  for (const tasks::KindCount& kind : task.kinds) {
    bars.parts.emplace_back(name_of(kind.kind));
    bars.values.push_back(static_cast<double>(kind.first));
    table.rows.push_back({std::string(name_of(kind.kind)), fmt::format("{}", kind.first),
                          fmt::format("{}", kind.second), p_value_text(kind.p_value), p_value_text(kind.p_holm)});
  }
  for (const tasks::KindCount& kind : task.kinds) bars.values.push_back(static_cast<double>(kind.second));
  return report::figure_html(stacked_bars_svg(bars), bars.title) + table_html(table);
}

std::string answer(const std::string& text, const std::string& taken) {
  std::string shown = fmt::format("<pre class=\"answer\">{}</pre>", escaped(text));
  if (!taken.empty()) shown += fmt::format("<p>taken from it: <code>{}</code></p>", escaped(taken));
  return shown;
}

std::string sample(const tasks::FlippedAnswers& flipped, const FlippedAnswer& flip) {
  return fmt::format(
      "<details><summary>document {}: {} ({})</summary><p><b>Question</b></p>{}<p><b>Expected</b>: {}</p>"
      "<p><b>{}: {}</b></p>{}<p><b>{}: {}</b></p>{}<p>{}</p></details>\n",
      flip.document, flip.won ? "wrong -> right" : "right -> wrong", name_of(flip.finding.kind),
      answer(flip.question, ""), escaped(flip.target), escaped(flipped.first), flip.won ? "wrong" : "right",
      answer(flip.first_answer, flip.first_extracted), escaped(flipped.second), flip.won ? "right" : "wrong",
      answer(flip.second_answer, flip.second_extracted), escaped(flip.finding.reason));
}

std::string samples(const tasks::FlippedAnswers& flipped, const TaskFlips& task, std::size_t most) {
  std::string out;
  std::size_t shown[2] = {0, 0};
  for (const FlippedAnswer& flip : task.flips) {
    if (shown[flip.won ? 1 : 0]++ < most) out += sample(flipped, flip);
  }
  const std::size_t hidden = (std::max(shown[0], most) - most) + (std::max(shown[1], most) - most);
  if (hidden > 0) out += fmt::format("<p>{} more are not shown.</p>", hidden);
  return out;
}

}  // namespace

std::string errors_page(const tasks::FlippedAnswers& flipped, std::size_t most) {
  const std::string title = fmt::format("What changed between {} and {}", flipped.first, flipped.second);
  std::string body = fmt::format("<h1>{}</h1>\n<section>{}</section>\n", escaped(title), counts(flipped));
  for (const TaskFlips& task : flipped.tasks) {
    body += fmt::format("<section><h2>{}</h2>{}{}</section>\n", escaped(task.task), kinds(flipped, task),
                        samples(flipped, task, most));
  }
  std::string items;
  for (const tasks::AnswerKindName& kind : tasks::answer_kinds())
    items += fmt::format("<li>{}: {}</li>", escaped(kind.name), escaped(kind.means));
  body += fmt::format("<section><h2>Kinds</h2><ul>{}</ul></section>\n", items);
  items.clear();
  for (const std::string& note : flipped.notes) items += fmt::format("<li>{}</li>", escaped(note));
  if (!items.empty()) body += fmt::format("<section><h2>Notes</h2><ul>{}</ul></section>\n", items);
  return report::html_page(title, body);
}

}  // namespace cambium::cli
