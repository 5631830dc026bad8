#include "report/study_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "report/html_page.h"
#include "report/markup.h"
#include "report/study_text.h"

namespace cambium::report {
namespace {

std::string list_html(const std::vector<std::string>& sentences) {
  std::string items;
  for (const std::string& sentence : sentences) items += fmt::format("<li>{}</li>\n", escaped(sentence));
  return items.empty() ? "" : fmt::format("<ul>{}</ul>\n", items);
}

// Builds the page section by section: numbers the figures and collects the links.
class PageWriter {
 public:
  explicit PageWriter(const StudyResults& results) : results_(results) {}

  std::string page() {
    abstract();
    scores();
    contrasts();
    sweeps();
    for (const Panel& panel : results_.panels) this->panel(panel);
    flips();
    reproduce();
    section("environment", "Environment", "", table_html(environment_table(results_)));
    std::string links;
    for (const auto& [id, title] : links_)
      links += fmt::format("<li><a href=\"#{}\">{}</a></li>", escaped(id), escaped(title));
    const std::string paper = results_.paper.empty() ? "" : escaped(results_.paper) + " &middot; ";
    return html_page(results_.title, fmt::format("<h1>{}</h1>\n<p class=\"quiet\">{}profile {} &middot; {} seed{}</p>\n"
                                                 "<nav aria-label=\"Sections\"><ul>{}</ul></nav>\n{}",
                                                 escaped(results_.title), paper,
                                                 escaped(results_.profile.empty() ? "none" : results_.profile),
                                                 results_.seeds, results_.seeds == 1 ? "" : "s", links, body_));
  }

 private:
  void section(const std::string& id, const std::string& title, std::string_view text, const std::string& body) {
    links_.emplace_back(id, title);
    body_ += fmt::format("<section id=\"{}\"><h2>{}</h2>\n{}{}</section>\n", escaped(id), escaped(title),
                         text.empty() ? "" : fmt::format("<p>{}</p>\n", escaped(text)), body);
  }
  std::string figure(const Figure& figure) {
    return figure_html(figure.svg, figure.title, fmt::format("Figure {}. {}", ++figures_, figure.caption));
  }

  void abstract() {
    std::string body;
    if (!results_.question.empty())
      body += fmt::format("<p><strong>Question.</strong> {}</p>\n", escaped(results_.question));
    if (!results_.headline.empty()) body += fmt::format("<p class=\"lead\">{}</p>\n", escaped(results_.headline));
    body += list_html(results_.abstract);
    if (!results_.missing.empty()) {
      body += fmt::format(
          "<details open><summary class=\"bad\">{} of the study's steps are not done</summary>{}</details>\n",
          results_.missing.size(), list_html(results_.missing));
    }
    section("abstract", "What was seen", "Scores are in points (0 to 100). " + results_.interval, body);
  }

  void scores() {
    if (results_.scores.empty()) return;
    std::string names;
    for (const auto& [name, title] : results_.arms) {
      if (name != title && !title.empty())
        names += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(title));
    }
    if (!names.empty()) names = fmt::format("<h3>What the models are</h3>\n<dl>{}</dl>\n", names);
    section("scores", "Models and tasks", "",
            table_html(group_table(results_)) + names + "<details><summary>Each task by itself</summary>" +
                table_html(task_table(results_)) + "</details>\n");
  }

  void contrasts() {
    if (results_.contrasts.empty()) return;
    section("contrasts", "Contrasts", "What one is led to expect, and what was seen on the same samples.",
            figure(contrast_figure(results_)) + table_html(contrast_table(results_)));
  }

  void sweeps() {
    if (results_.sweeps.empty()) return;
    std::string body;
    for (const SweepResult& sweep : results_.sweeps) {
      body += fmt::format("<h3>{} ({})</h3>\n", escaped(sweep.title), escaped(sweep.base));
      if (!sweep.choice.empty()) body += fmt::format("<p>{}</p>\n", escaped(sweep.choice));
      for (const Figure& each : sweep.figures) body += figure(each);
    }
    section("sweeps", "Sweeps",
            "Each point is a merge in memory. A point is chosen on one half of the samples and confirmed on the other.",
            body);
  }

  void panel(const Panel& panel) {
    std::string body;
    for (const Figure& each : panel.figures) body += figure(each);
    for (const Table& table : panel.tables) body += table_html(table);
    section(panel.id, panel.title, panel.text, body);
  }

  void flips() {
    if (results_.flips.empty()) return;
    std::string body;
    for (const FlipExample& flip : results_.flips) {
      const std::string picture = flip.picture.empty()
                                      ? ""
                                      : fmt::format(
                                            "<img src=\"data:image/{};base64,{}\" alt=\"The picture that is asked "
                                            "about\">",
                                            escaped(flip.picture_type), base64(flip.picture));
      body += fmt::format(
          "<details><summary>{} &middot; {} &middot; <span class=\"{}\">{}</span></summary><div class=\"flip\">{}"
          "<b>question</b><span class=\"answer\">{}</span><b>{}</b><span class=\"answer\">{}</span>"
          "<b>{}</b><span class=\"answer\">{}</span><b>right</b><span class=\"answer\">{}</span></div></details>\n",
          escaped(flip.base), escaped(flip.task), flip.gained ? "good" : "bad",
          flip.gained ? "wrong, then right" : "right, then wrong", picture, escaped(flip.question),
          escaped(flip.first_arm), escaped(flip.first_answer), escaped(flip.second_arm), escaped(flip.second_answer),
          escaped(flip.target));
    }
    section(
        "flips", "Answers that changed",
        "Some samples that one of a contrast's two models has right and the other wrong, taken in the tasks' order.",
        body);
  }

  void reproduce() {
    std::string hand;
    for (const std::string& line : results_.by_hand) hand += line + "\n";
    std::string parts;
    for (std::size_t i = 0; i < results_.steps.size();) {
      std::string lines;
      std::size_t end = i;
      for (; end < results_.steps.size() && results_.steps[end].part == results_.steps[i].part; ++end) {
        if (results_.steps[end].first_seed) lines += step_text(results_.steps[end]);
      }
      if (!lines.empty())
        parts += fmt::format("<details><summary>{}</summary><pre tabindex=\"0\">{}</pre></details>\n",
                             escaped(results_.steps[i].part), escaped(lines));
      i = end;
    }
    section("reproduce", "How to make each number again", reproduce_sentence(results_),
            fmt::format("<pre tabindex=\"0\">{}\n{}</pre>\n{}", escaped(results_.command), escaped(hand), parts));
  }

  const StudyResults& results_;
  std::string body_;
  std::vector<std::pair<std::string, std::string>> links_;
  int figures_ = 0;
};

}  // namespace

std::string study_html(const StudyResults& results) { return PageWriter(results).page(); }

}  // namespace cambium::report
