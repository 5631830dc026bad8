#include "study/tuning_panels.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "report/line_chart.h"
#include "report/markup.h"
#include "report/stacked_bars.h"

namespace cambium::study {
namespace {

using report::number_text;
using RunKey = std::pair<std::string, std::string>;  // base, arm (with its step, if it is not the last)

template <typename Number>
std::vector<double> numbers(const std::vector<const TuningRecord*>& seeds, const Number& number) {
  std::vector<double> values;
  for (const TuningRecord* record : seeds) values.push_back(number(*record));
  return values;
}

double mean(const std::vector<double>& values) { return estimate_of_seeds(values).value; }

// Runs of all seeds together, in the order in which they are first seen.
std::vector<std::pair<RunKey, std::vector<const TuningRecord*>>> by_run(const std::vector<TuningRecord>& records) {
  std::vector<std::pair<RunKey, std::vector<const TuningRecord*>>> runs;
  std::map<std::pair<RunKey, std::int64_t>, int> steps;
  for (const TuningRecord& record : records) {
    std::string name = record.arm;
    if (!record.last) name += fmt::format(", step {}", ++steps[{{record.base, record.arm}, record.seed}]);
    const RunKey key{record.base, std::move(name)};
    auto found = std::ranges::find(runs, key, &std::pair<RunKey, std::vector<const TuningRecord*>>::first);
    if (found == runs.end()) found = runs.insert(runs.end(), {key, {}});
    found->second.push_back(&record);
  }
  return runs;
}

double source_number(const TuningRecord& record, const std::string& name, double TuningRecord::Source::*number) {
  const auto found = std::ranges::find(record.sources, name, &TuningRecord::Source::name);
  return found == record.sources.end() ? 0 : (*found).*number;
}

report::Figure mixture_figure(const std::vector<TuningRecord>& records) {
  report::StackedBars bars{.title = "Mixtures: realised (bar) and asked for (strip)",
                           .description = "One bar for each tuning run: the share of its training tokens by source.",
                           .unit = "% of tokens",
                           .parts = {},
                           .bars = {},
                           .values = {},
                           .asked = {}};
  for (const TuningRecord& record : records) {
    for (const TuningRecord::Source& source : record.sources) {
      if (std::ranges::find(bars.parts, source.name) == bars.parts.end()) bars.parts.push_back(source.name);
    }
  }
  for (const auto& [key, seeds] : by_run(records)) {
    bars.bars.push_back(fmt::format("{} / {}", key.first, key.second));
    for (const std::string& part : bars.parts) {
      for (const auto& [number, into] : {std::pair{&TuningRecord::Source::realised, &bars.values},
                                         std::pair{&TuningRecord::Source::asked, &bars.asked}}) {
        into->push_back(100 * mean(numbers(seeds, [&, member = number](const TuningRecord& record) {
                          return source_number(record, part, member);
                        })));
      }
    }
  }
  return {.svg = stacked_bars_svg(bars),
          .title = bars.title,
          .caption =
              "Shares of the training tokens by source: the bar is what was drawn, the strip below it what the "
              "configuration asked for. Means over seeds."};
}

}  // namespace

std::optional<report::Panel> mixture_panel(const std::vector<TuningRecord>& records) {
  if (records.empty()) return std::nullopt;
  report::Panel panel{.id = "tuning",
                      .title = "Tuning runs and mixtures",
                      .text = "",
                      .figures = {mixture_figure(records)},
                      .tables = {}};
  report::Table runs{
      .caption = "Tuning runs, means over seeds",
      .header = {"run", "learning rate", "steps", "tokens", "learned", "first loss", "last loss", "seconds", "seeds"},
      .rows = {}};
  for (const auto& [key, seeds] : by_run(records)) {
    const auto shown = [&](double TuningRecord::*number, const char* form) {
      return fmt::format(fmt::runtime(form),
                         mean(numbers(seeds, [&](const TuningRecord& each) { return each.*number; })));
    };
    const double rate = seeds.front()->learning_rate;
    runs.rows.push_back({fmt::format("{} / {}", key.first, key.second), rate > 0 ? number_text(rate) : "default",
                         shown(&TuningRecord::steps, "{:.0f}"), shown(&TuningRecord::tokens, "{:.0f}"),
                         shown(&TuningRecord::supervised, "{:.0f}"), shown(&TuningRecord::first_loss, "{:.3f}"),
                         shown(&TuningRecord::last_loss, "{:.3f}"), shown(&TuningRecord::seconds, "{:.0f}"),
                         fmt::format("{}", seeds.size())});
  }
  panel.tables.push_back(std::move(runs));
  return panel;
}

std::optional<report::Panel> forgetting_panel(const std::vector<TuningRecord>& records) {
  std::map<std::string, report::LineChart> charts;
  bool bands = false;
  for (const auto& [key, seeds] : by_run(records)) {
    for (const TuningRecord::Curve& first : seeds.front()->curves) {
      std::vector<const TuningRecord::Curve*> curves;
      std::size_t points = first.x.size();
      for (const TuningRecord* record : seeds) {
        const auto found = std::ranges::find(record->curves, first.name, &TuningRecord::Curve::name);
        if (found == record->curves.end()) continue;
        curves.push_back(&*found);
        points = std::min(points, found->x.size());
      }
      const std::string title = fmt::format("{} ({})", first.name, key.first);
      report::LineChart& chart = charts[title];
      chart.title = title;
      chart.description = "One line for each tuning run, over the tokens it has seen.";
      chart.x_name = "tokens";
      chart.y_name = first.name;
      report::Series series{.name = key.second, .x = {}, .y = {}, .low = {}, .high = {}};
      for (std::size_t i = 0; i < points; ++i) {
        std::vector<double> x, y;
        for (const TuningRecord::Curve* curve : curves) {
          x.push_back(curve->x[i]);
          y.push_back(curve->y[i]);
        }
        const Estimate estimate = estimate_of_seeds(y);
        series.x.push_back(mean(x));
        series.y.push_back(estimate.value);
        if (curves.size() >= kSeedsForInterval) {
          series.low.push_back(estimate.low);
          series.high.push_back(estimate.high);
          bands = true;
        }
      }
      chart.series.push_back(std::move(series));
    }
  }
  if (charts.empty()) return std::nullopt;
  report::Panel panel{.id = "forgetting",
                      .title = "Forgetting",
                      .text = "Followed while models are tuned.",
                      .figures = {},
                      .tables = {}};
  for (const auto& [title, chart] : charts) {
    panel.figures.push_back(
        {.svg = line_chart_svg(chart),
         .title = title,
         .caption = fmt::format("{} over the tokens of tuning{}.", title,
                                bands ? ", mean and 95 % band over seeds" : "; a single seed has no band")});
  }
  return panel;
}

namespace {

struct ShareArm {
  std::string name;
  double share = 0, tokens = 0;
};

// Arms whose last tuning differs from the others' in the share of text alone.
std::vector<ShareArm> share_arms(const std::vector<TuningRecord>& records, const std::string& base) {
  std::vector<ShareArm> arms;
  bool mixed = false;
  for (const auto& [key, seeds] : by_run(records)) {
    if (key.first != base || !seeds.front()->last) continue;
    ShareArm arm{.name = key.second};
    std::set<std::string> modalities;
    for (const TuningRecord::Source& source : seeds.front()->sources) {
      arm.tokens += source.amount;
      if (!source.modality.empty()) modalities.insert(source.modality);
    }
    if (modalities.size() > 1) return {};
    arm.share = mean(numbers(seeds, [](const TuningRecord& record) {
      double text = 0;
      for (const TuningRecord::Source& source : record.sources) text += source.modality.empty() ? source.realised : 0;
      return 100 * text;
    }));
    mixed = mixed || !modalities.empty();
    arms.push_back(std::move(arm));
  }
  // The base's own budget is another one: the budget that most arms have counts.
  std::vector<ShareArm> largest;
  for (const ShareArm& each : arms) {
    std::vector<ShareArm> equal;
    for (const ShareArm& other : arms) {
      if (std::abs(other.tokens - each.tokens) <= 0.02 * each.tokens) equal.push_back(other);
    }
    if (equal.size() > largest.size()) largest = std::move(equal);
  }
  std::ranges::sort(largest, {}, &ShareArm::share);
  const auto same =
      std::ranges::adjacent_find(largest, [](const ShareArm& a, const ShareArm& b) { return b.share - a.share < 1; });
  return mixed && largest.size() >= 3 && same == largest.end() ? largest : std::vector<ShareArm>{};
}

}  // namespace

std::optional<report::Panel> text_share_panel(const StudyData& data, const std::vector<TuningRecord>& records) {
  report::Panel panel{.id = "text-share",
                      .title = "Share of text at an equal budget",
                      .text = "Arms that are tuned on equally many tokens, by the share of them that is text alone.",
                      .figures = {},
                      .tables = {}};
  for (const auto& [base, fields] : data.study.bases) {
    const std::vector<ShareArm> arms = share_arms(records, base);
    if (arms.empty()) continue;
    report::LineChart chart{.title = fmt::format("Scores over the share of text ({})", base),
                            .description = "One line for each group of tasks.",
                            .x_name = "text, % of the tokens",
                            .y_name = "points",
                            .series = {},
                            .level_name = {}};
    for (const TaskGroup& group : data.study.groups) {
      report::Series series{.name = group.title, .x = {}, .y = {}, .low = {}, .high = {}};
      for (const ShareArm& arm : arms) {
        const Scores::Cell cell = data.scores.mean(base, arm.name, group.name, group.tasks);
        if (cell.seeds == 0) continue;
        series.x.push_back(arm.share);
        series.y.push_back(cell.estimate.value);
        series.low.push_back(cell.estimate.low);
        series.high.push_back(cell.estimate.high);
      }
      if (!series.x.empty()) chart.series.push_back(std::move(series));
    }
    if (chart.series.empty()) continue;
    // What the arms were before: the first of the chain.
    const Arm* root = &data.study.arm(arms.front().name);
    while (!root->from.empty()) root = &data.study.arm(root->from);
    const TaskGroup& first = data.study.groups.front();
    if (const Scores::Cell cell = data.scores.mean(base, root->name, first.name, first.tasks); cell.seeds > 0) {
      chart.level = cell.estimate.value;
      chart.level_name = fmt::format("{} before, {}", first.title, root->name);
    }
    panel.figures.push_back(
        {.svg = line_chart_svg(chart),
         .title = chart.title,
         .caption = fmt::format("{} tokens in each run; bands are 95 % intervals.", number_text(arms.front().tokens))});
  }
  if (panel.figures.empty()) return std::nullopt;
  return panel;
}

std::optional<report::Panel> transfer_panel(const StudyData& data, const std::vector<TuningRecord>& records) {
  report::Table table{.caption =
                          "Points by tokens of rows with pictures, clips or sounds, over all tuning that led to a "
                          "model",
                      .header = {"model", "tasks", "tokens", "score", "points per 10k tokens"},
                      .rows = {}};
  for (const auto& [base, fields] : data.study.bases) {
    for (const Arm& arm : data.study.arms) {
      if (!arm.sweep.empty() || !takes(arm.bases, base)) continue;
      // Tokens by modality, of the arm and of those it starts from, under the first seed that has them.
      std::map<std::string, double> tokens;
      bool tuned = false;
      for (const Arm* each = &arm;; each = &data.study.arm(each->from)) {
        for (const TuningRecord& record : records) {
          if (record.base != base || record.arm != each->name || record.seed != data.study.seeds.front()) continue;
          tuned = tuned || each == &arm;
          for (const TuningRecord::Source& source : record.sources) tokens[source.modality] += source.amount;
        }
        if (each->from.empty()) break;
      }
      if (!tuned) continue;
      for (const TaskGroup& group : data.study.groups) {
        const double spent = tokens[data.scores.modality(group.name)];
        const Scores::Cell cell = data.scores.mean(base, arm.name, group.name, group.tasks);
        if (data.scores.modality(group.name).empty() || cell.seeds == 0 || spent <= 0) continue;
        const double by = spent / 1e4;
        table.rows.push_back(
            {fmt::format("{} / {}", base, arm.name), group.title, number_text(spent),
             estimate_text({cell.estimate.value, cell.estimate.low, cell.estimate.high, 1}),
             estimate_text({cell.estimate.value / by, cell.estimate.low / by, cell.estimate.high / by, 1})});
      }
    }
  }
  if (table.rows.empty()) return std::nullopt;
  return report::Panel{.id = "transfer",
                       .title = "Transfer efficiency",
                       .text =
                           "What a token of pictures, clips or sounds buys: the score by the number of such tokens. "
                           "A score is never below what guessing gives, so small budgets look efficient.",
                       .figures = {},
                       .tables = {std::move(table)}};
}

}  // namespace cambium::study
