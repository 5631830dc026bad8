#include "report/study_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/html_page.h"
#include "report/markup.h"
#include "report/study_text.h"

namespace cambium::report {
namespace {

std::string section(std::string_view id, std::string_view title, std::string_view text, const std::string& body) {
  return fmt::format("<section id=\"{}\"><h2>{}</h2>\n<p>{}</p>\n{}</section>\n", id, escaped(title), escaped(text),
                     body);
}

std::string figure(const std::string& svg, const std::string& caption) {
  return fmt::format("<figure>{}<figcaption>{}</figcaption></figure>\n", svg, escaped(caption));
}

std::string abstract_html(const StudyResults& results) {
  std::string body;
  if (!results.question.empty())
    body += fmt::format("<p><strong>Question.</strong> {}</p>\n", escaped(results.question));
  std::string items;
  for (const std::string& sentence : results.abstract) items += fmt::format("<li>{}</li>\n", escaped(sentence));
  if (!items.empty()) body += fmt::format("<ul>{}</ul>\n", items);
  if (!results.missing.empty()) {
    std::string missing;
    for (const std::string& each : results.missing) missing += fmt::format("<li>{}</li>\n", escaped(each));
    body += fmt::format(
        "<details open><summary class=\"bad\">{} of the study's steps are not done</summary><ul>{}</ul></details>\n",
        results.missing.size(), missing);
  }
  return body;
}

std::string sweeps_html(const StudyResults& results) {
  std::string body;
  for (const SweepResult& sweep : results.sweeps) {
    body += fmt::format("<h3>{} ({})</h3>\n", escaped(sweep.title), escaped(sweep.base));
    for (const LineChart& curve : sweep.curves) body += figure(line_chart_svg(curve), curve.title);
    if (!sweep.front.candidates.empty()) body += figure(scatter_plot_svg(sweep.front), sweep.front.title);
    if (!sweep.choice.empty()) body += fmt::format("<p>{}</p>\n", escaped(sweep.choice));
  }
  return body;
}

std::string flips_html(const StudyResults& results) {
  std::string body;
  for (const FlipExample& flip : results.flips) {
    const std::string picture = flip.picture.empty() ? ""
                                                     : fmt::format(
                                                           "<img src=\"{}\" alt=\"The picture of the question\" "
                                                           "width=\"96\" style=\"image-rendering:pixelated\">",
                                                           escaped(flip.picture));
    body += fmt::format(
        "<details><summary>{} &middot; {}: <span class=\"{}\">{}</span></summary>{}<pre>{}</pre><p>{}: {}<br>{}: "
        "{}<br>right: "
        "{}</p></details>\n",
        escaped(flip.base), escaped(flip.task), flip.gained ? "good" : "bad",
        flip.gained ? "wrong, then right" : "right, then wrong", picture, escaped(flip.question),
        escaped(flip.first_arm), escaped(flip.first_answer), escaped(flip.second_arm), escaped(flip.second_answer),
        escaped(flip.target));
  }
  return body;
}

std::string steps_html(const StudyResults& results) {
  std::string rows;
  for (const StepRow& step : results.steps) {
    rows += fmt::format(
        "<details><summary>{} <span class=\"{}\">{}</span> <span class=\"quiet\">{:.1f} "
        "s</span></summary><pre>{}</pre>{}</details>\n",
        escaped(step.name), step.state == "done" ? "good" : "bad", escaped(step.state), step.seconds,
        escaped(step.command),
        step.message.empty() ? "" : fmt::format("<pre class=\"bad\">{}</pre>", escaped(step.message)));
  }
  return fmt::format("<pre>{}</pre>\n<details><summary>{} steps, each a command of its own</summary>{}</details>\n",
                     escaped(results.command), results.steps.size(), rows);
}

template <typename Chart>
std::string charts(const std::vector<Chart>& all, std::string (*draw)(const Chart&)) {
  std::string body;
  for (const Chart& chart : all) body += figure(draw(chart), chart.title);
  return body;
}

}  // namespace

std::string study_html(const StudyResults& results) {
  std::string body = fmt::format("<h1>{}</h1>\n<p class=\"quiet\">{}{}profile {}</p>\n", escaped(results.title),
                                 escaped(results.paper), results.paper.empty() ? "" : " &middot; ",
                                 escaped(results.profile.empty() ? "none" : results.profile));
  body += section("abstract", "What was seen", "Scores are in points (0 to 100); intervals are 95 % intervals.",
                  abstract_html(results));
  if (!results.scores.empty()) {
    body += section("scores", "Models and tasks",
                    "Intervals are over seeds where there are three or more, else over samples.",
                    table_html(group_table(results)) + "<details><summary>Each task</summary>" +
                        table_html(task_table(results)) + "</details>\n");
  }
  if (!results.contrasts.empty()) {
    body += section(
        "contrasts", "Contrasts", "What the paper leads one to expect, and what was seen here on the same samples.",
        figure(forest_plot_svg(contrast_plot(results)), "The arrow of a row shows the expected direction.") +
            table_html(contrast_table(results)));
  }
  if (!results.sweeps.empty()) {
    body += section(
        "sweeps", "Sweeps",
        "Each point is a merge in memory. A point is chosen on one half of the samples and confirmed on the other.",
        sweeps_html(results));
  }
  if (!results.forgetting.empty())
    body += section("forgetting", "Forgetting", "Scores while a model is tuned.",
                    charts(results.forgetting, line_chart_svg));
  if (!results.shifts.empty()) {
    body += section("shift", "Parameter shift",
                    "Mean absolute difference from the base, by layer and kind of tensor; maps share one scale.",
                    charts(results.shifts, heat_map_svg));
  }
  if (!results.heads.empty())
    body += section("heads", "Attention heads", "What masking each head does.", charts(results.heads, heat_map_svg));
  if (!results.mixtures.empty())
    body += section("mixtures", "Mixtures", "Share of the training tokens by source.",
                    charts(results.mixtures, stacked_bars_svg));
  for (const Table& table : results.tables) body += table_html(table);
  if (!results.flips.empty())
    body += section("flips", "Answers that changed", "Some samples on which two models differ.", flips_html(results));
  body += section("reproduce", "How to make each number again",
                  "The whole study, and each of its steps:", steps_html(results));
  body += section("environment", "Environment", "", table_html(environment_table(results)));
  return html_page(results.title, body);
}

std::map<std::string, std::string> study_markdown(const StudyResults& results) {
  std::map<std::string, std::string> files;
  std::string text = fmt::format("# {}\n\n{}{}profile {}\n\n", results.title, results.paper,
                                 results.paper.empty() ? "" : ", ", results.profile.empty() ? "none" : results.profile);
  if (!results.question.empty()) text += fmt::format("**Question.** {}\n\n", results.question);
  for (const std::string& sentence : results.abstract) text += fmt::format("- {}\n", sentence);
  if (!results.missing.empty()) text += "\n**Not done:**\n\n";
  for (const std::string& each : results.missing) text += fmt::format("- {}\n", each);
  int number = 0;
  const auto show = [&](const std::string& svg, const std::string& title) {
    const std::string name = fmt::format("figures/figure-{:02}.svg", ++number);
    files[name] = svg;
    text += fmt::format("\n![{}]({})\n", title, name);
  };
  if (!results.scores.empty())
    text +=
        "\n## Models and tasks\n\n" + table_markdown(group_table(results)) + "\n" + table_markdown(task_table(results));
  if (!results.contrasts.empty()) {
    text += "\n## Contrasts\n\n" + table_markdown(contrast_table(results));
    show(forest_plot_svg(contrast_plot(results)), "Contrasts: expected against seen");
  }
  for (const SweepResult& sweep : results.sweeps) {
    text += fmt::format("\n## {} ({})\n", sweep.title, sweep.base);
    for (const LineChart& curve : sweep.curves) show(line_chart_svg(curve), curve.title);
    if (!sweep.front.candidates.empty()) show(scatter_plot_svg(sweep.front), sweep.front.title);
    if (!sweep.choice.empty()) text += "\n" + sweep.choice + "\n";
  }
  if (!results.forgetting.empty()) text += "\n## Forgetting\n";
  for (const LineChart& chart : results.forgetting) show(line_chart_svg(chart), chart.title);
  if (!results.shifts.empty()) text += "\n## Parameter shift\n";
  for (const HeatMap& map : results.shifts) show(heat_map_svg(map), map.title);
  if (!results.heads.empty()) text += "\n## Attention heads\n";
  for (const HeatMap& map : results.heads) show(heat_map_svg(map), map.title);
  if (!results.mixtures.empty()) text += "\n## Mixtures\n";
  for (const StackedBars& bars : results.mixtures) show(stacked_bars_svg(bars), bars.title);
  for (const Table& table : results.tables) text += "\n" + table_markdown(table);
  text += fmt::format("\n## How to make each number again\n\n```\n{}\n```\n", results.command);
  if (!results.steps.empty()) {
    text += "\n<details><summary>All steps</summary>\n\n```\n";
    for (const StepRow& step : results.steps)
      text += fmt::format("# {} ({}, {:.1f} s)\n{}\n", step.name, step.state, step.seconds, step.command);
    text += "```\n\n</details>\n";
  }
  text += "\n## Environment\n\n" + table_markdown(environment_table(results));
  files["report.md"] = std::move(text);
  return files;
}

}  // namespace cambium::report
