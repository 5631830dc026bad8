#include "report/study_markdown.h"

#include <fmt/format.h>

#include <set>

#include "report/markup.h"
#include "report/study_text.h"
#include "report/svg_canvas.h"

namespace cambium::report {
namespace {

constexpr std::size_t kMostFlips = 8;
constexpr std::size_t kLargestPicture = 20'000;

// Characters that Markdown would read as its own.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '*' || c == '_' || c == '[' || c == ']' || c == '<' || c == '>' || c == '`' || c == '|' || c == '\\')
      out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

class MarkdownWriter {
 public:
  explicit MarkdownWriter(const StudyResults& results) : results_(results) {}

  std::map<std::string, std::string> files() {
    abstract();
    if (!results_.scores.empty()) {
      text_ += "\n## Models and tasks\n\n" + table_markdown(group_table(results_)) + "\n";
      for (const auto& [name, title] : results_.arms) {
        if (name != title && !title.empty()) text_ += fmt::format("- `{}`: {}\n", name, plain(title));
      }
      text_ += "\n" + table_markdown(task_table(results_));
    }
    if (!results_.contrasts.empty()) {
      text_ += "\n## Contrasts\n\n" + table_markdown(contrast_table(results_));
      show(contrast_figure(results_));
    }
    for (const SweepResult& sweep : results_.sweeps) {
      text_ += fmt::format("\n## {} ({})\n", sweep.title, sweep.base);
      if (!sweep.choice.empty()) text_ += "\n" + plain(sweep.choice) + "\n";
      for (const Figure& figure : sweep.figures) show(figure);
    }
    for (const Panel& panel : results_.panels) {
      text_ += fmt::format("\n## {}\n", panel.title);
      if (!panel.text.empty()) text_ += fmt::format("\n{}\n", plain(panel.text));
      for (const Figure& figure : panel.figures) show(figure);
      for (const Table& table : panel.tables) text_ += "\n" + table_markdown(table);
    }
    flips();
    text_ += fmt::format("\n## How to make each number again\n\n{}\n\n```\n{}\n", reproduce_sentence(results_),
                         results_.command);
    for (const std::string& line : results_.by_hand) text_ += line + "\n";
    text_ += "```\n";
    if (!results_.steps.empty()) {
      text_ += "\n<details><summary>The steps, each a command of its own</summary>\n\n```\n";
      for (const StepRow& step : results_.steps) {
        if (step.first_seed) text_ += step_text(step);
      }
      text_ += "```\n\n</details>\n";
    }
    text_ += "\n## Environment\n\n" + table_markdown(environment_table(results_));
    files_["report.md"] = std::move(text_);
    return std::move(files_);
  }

 private:
  void abstract() {
    text_ = fmt::format("# {}\n\n{}{}profile {}, {} seed{}\n\n", results_.title, results_.paper,
                        results_.paper.empty() ? "" : ", ", results_.profile.empty() ? "none" : results_.profile,
                        results_.seeds, results_.seeds == 1 ? "" : "s");
    if (!results_.question.empty()) text_ += fmt::format("**Question.** {}\n\n", plain(results_.question));
    text_ += fmt::format("Scores are in points (0 to 100). {}\n\n", plain(results_.interval));
    if (!results_.headline.empty()) text_ += plain(results_.headline) + "\n\n";
    for (const std::string& sentence : results_.abstract) text_ += fmt::format("- {}\n", plain(sentence));
    if (!results_.missing.empty()) text_ += "\n**Not done:**\n\n";
    for (const std::string& each : results_.missing) text_ += fmt::format("- {}\n", plain(each));
  }
  void show(const Figure& figure) {
    const std::string name = fmt::format("figures/figure-{:02}.svg", ++figures_);
    files_[name] = standalone(figure.svg);
    text_ += fmt::format("\n![{}]({})\n\nFigure {}. {}\n", plain(figure.title), name, figures_, plain(figure.caption));
  }
  void flips() {
    if (results_.flips.empty()) return;
    std::string rows =
        "Some samples that one of a contrast's two models has right and the other wrong\n\n"
        "| task | picture | question | before | after | right |\n|---|---|---|---|---|---|\n";
    std::size_t shown = 0;
    std::set<std::string> kinds;
    // One of each contrast and direction: those with pictures first.
    for (const bool with_picture : {true, false}) {
      for (const FlipExample& flip : results_.flips) {
        if (shown == kMostFlips || flip.picture.empty() == with_picture || flip.picture.size() > kLargestPicture)
          continue;
        if (!kinds.insert(flip.first_arm + "\n" + flip.second_arm + (flip.gained ? "+" : "-") + flip.picture_type)
                 .second)
          continue;
        ++shown;
        std::string picture;
        if (with_picture) {
          const std::string name = fmt::format("figures/sample-{:02}.{}", shown, flip.picture_type);
          files_[name] = flip.picture;
          picture = fmt::format("<img src=\"{}\" width=\"64\" alt=\"the picture that is asked about\">", name);
        }
        rows += fmt::format("| {} / {} | {} | {} | {}: {} | {}: {} | {} |\n", flip.base, plain(flip.task), picture,
                            plain(flip.question), plain(flip.first_arm), plain(flip.first_answer),
                            plain(flip.second_arm), plain(flip.second_answer), plain(flip.target));
      }
    }
    if (shown > 0) text_ += "\n## Answers that changed\n\n" + rows;
  }

  const StudyResults& results_;
  std::string text_;
  std::map<std::string, std::string> files_;
  int figures_ = 0;
};

}  // namespace

std::map<std::string, std::string> study_markdown(const StudyResults& results) {
  return MarkdownWriter(results).files();
}

}  // namespace cambium::report
