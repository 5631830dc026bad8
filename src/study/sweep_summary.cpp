#include "study/sweep_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/line_chart.h"
#include "report/markup.h"
#include "report/scatter_plot.h"
#include "study/front_comparison.h"
#include "study/placeholder.h"

namespace cambium::study {
namespace {

constexpr double kNoLevel = std::numeric_limits<double>::quiet_NaN();

std::string label_of(const Sweep& sweep, const Arm& arm, const std::string& without) {
  std::string label;
  for (const auto& [key, values] : sweep.grid) {
    if (key == without || values.size() < 2) continue;
    label += fmt::format("{}{} {}", label.empty() ? "" : ", ", key, plain_text(arm.point.at(key)));
  }
  return label;
}

report::LineChart curve(const StudyFile& study, const Sweep& sweep, const std::string& base, const Scores& scores,
                        const std::string& x, const TaskGroup& group) {
  report::LineChart chart{.title = fmt::format("{} over {} ({})", group.title, x, base),
                          .description = fmt::format("Score of {} in points over {}, with 95 % bands.", group.title, x),
                          .x_name = x,
                          .y_name = group.title + ", points",
                          .series = {},
                          .level_name = {}};
  const bool gain = group.name == sweep.gain;
  const std::string& level = gain ? sweep.target : sweep.reference;
  if (const Scores::Cell cell = scores.mean(base, level, group.name, group.tasks); cell.seeds > 0) {
    chart.level = cell.estimate.value;
    chart.level_name = fmt::format("{} {}", level, report::number_text(chart.level));
  }
  for (const std::string& name : sweep.arms) {
    const Arm& arm = study.arm(name);
    const Scores::Cell cell = scores.mean(base, name, group.name, group.tasks);
    if (cell.seeds == 0 || !arm.point.at(x).is_number()) continue;
    std::string label = label_of(sweep, arm, x);
    if (label.empty()) label = sweep.title;
    auto found = std::ranges::find(chart.series, label, &report::Series::name);
    if (found == chart.series.end()) {
      chart.series.push_back({.name = label, .x = {}, .y = {}, .low = {}, .high = {}});
      found = std::prev(chart.series.end());
    }
    found->x.push_back(arm.point.at(x).get<double>());
    found->y.push_back(cell.estimate.value);
    found->low.push_back(cell.estimate.low);
    found->high.push_back(cell.estimate.high);
  }
  return chart;
}

// "Language goes from 20.0 to 47.2 (+27.2 [+24.0, +30.4])".
std::string way(const std::string& title, double from, double to, const Scores::Cell& change) {
  return fmt::format("{} goes from {:.1f} to {:.1f} ({} [{}, {}])", title, from, to,
                     report::signed_text(change.estimate.value), report::signed_text(change.estimate.low),
                     report::signed_text(change.estimate.high));
}

// The sentence about the chosen point.
std::string sentence_of(const StudyFile& study, const Sweep& sweep, const SweepChoice& choice) {
  const std::string& keep = study.group(sweep.keep).title;
  const std::string& gain = study.group(sweep.gain).title;
  if (choice.arm.empty())
    return fmt::format("No point keeps {} within {} points on the half of the samples that chooses.", keep,
                       report::number_text(sweep.within));
  if (!std::isfinite(choice.merged) || !std::isfinite(choice.kept))
    return fmt::format("Chosen on one half of the samples: {}. The other half has none to confirm it.", choice.label);
  std::string sentence = fmt::format("Chosen on one half of the samples: {}. On the other half {}", choice.label,
                                     way(gain, choice.tuned, choice.merged, choice.gained));
  if (choice.target - choice.tuned > 0) {
    sentence += fmt::format(", {:.0f} % of the {:.1f} points that were lost", 100 * choice.regained(),
                            choice.target - choice.tuned);
  }
  sentence += fmt::format("; {}.", way(keep, choice.kept_before, choice.kept, choice.kept_change));
  if (choice.kept < choice.kept_before - sweep.within) {
    sentence += fmt::format(" There {} loses more than the {} points that the choice allowed.", keep,
                            report::number_text(sweep.within));
  }
  return sentence;
}

}  // namespace

double SweepChoice::regained() const { return (merged - tuned) / (target - tuned); }

SweepChoice sweep_choice(const StudyFile& study, const Sweep& sweep, const std::string& base, const Scores& scores) {
  const TaskGroup& keep = study.group(sweep.keep);
  const TaskGroup& gain = study.group(sweep.gain);
  const auto score = [&](const std::string& arm, const TaskGroup& group, Half half) {
    const Scores::Cell cell = scores.mean(base, arm, group.name, group.tasks, half);
    return cell.seeds == 0 ? kNoLevel : cell.estimate.value;
  };
  SweepChoice choice;
  const double kept_before = score(sweep.reference, keep, Half::kEven);
  double best_gain = -std::numeric_limits<double>::infinity();
  for (const std::string& arm : sweep.arms) {
    const double kept = score(arm, keep, Half::kEven);
    const double gained = score(arm, gain, Half::kEven);
    if (kept >= kept_before - sweep.within && gained > best_gain) {
      choice.arm = arm;
      best_gain = gained;
    }
  }
  if (choice.arm.empty()) return choice;
  choice.label = label_of(sweep, study.arm(choice.arm), "");
  choice.tuned = score(sweep.reference, gain, Half::kOdd);
  choice.target = score(sweep.target, gain, Half::kOdd);
  choice.merged = score(choice.arm, gain, Half::kOdd);
  choice.kept_before = score(sweep.reference, keep, Half::kOdd);
  choice.kept = score(choice.arm, keep, Half::kOdd);
  choice.gained = scores.difference(base, sweep.reference, choice.arm, gain.name, gain.tasks, Half::kOdd);
  choice.kept_change = scores.difference(base, sweep.reference, choice.arm, keep.name, keep.tasks, Half::kOdd);
  return choice;
}

std::optional<report::SweepResult> sweep_result(const StudyFile& study, const Sweep& sweep, const std::string& base,
                                                const Scores& scores) {
  const TaskGroup& keep = study.group(sweep.keep);
  const TaskGroup& gain = study.group(sweep.gain);
  report::SweepResult result{.title = sweep.title, .base = base, .figures = {}, .choice = {}};
  report::ScatterPlot front{
      .title = fmt::format("{} against {} ({})", gain.title, keep.title, base),
      .description = "Each point is a merge; the line joins those that no other one beats in both.",
      .x_name = keep.title + ", points",
      .y_name = gain.title + ", points",
      .groups = {sweep.title, "not merged"},
      .candidates = {}};
  const SweepChoice choice = sweep_choice(study, sweep, base, scores);
  const auto add = [&](const std::string& arm, const std::string& label, std::size_t group) {
    const Scores::Cell x = scores.mean(base, arm, keep.name, keep.tasks);
    const Scores::Cell y = scores.mean(base, arm, gain.name, gain.tasks);
    if (x.seeds == 0 || y.seeds == 0) return;
    if (arm == choice.arm) front.chosen = front.candidates.size();
    front.candidates.push_back({.name = label, .x = x.estimate.value, .y = y.estimate.value, .group = group});
  };
  for (const std::string& arm : sweep.arms) add(arm, label_of(sweep, study.arm(arm), ""), 0);
  if (front.candidates.empty()) return std::nullopt;
  add(sweep.reference, sweep.reference, 1);
  for (const auto& [key, values] : sweep.grid) {
    if (!std::ranges::all_of(values, [](const Json& value) { return value.is_number(); }) || values.size() < 2)
      continue;
    for (const TaskGroup* group : {&gain, &keep}) {
      const report::LineChart chart = curve(study, sweep, base, scores, key, *group);
      result.figures.push_back({.svg = line_chart_svg(chart),
                                .title = chart.title,
                                .caption = fmt::format("{} over {}: points with 95 % bands; dashed: {}.", group->title,
                                                       key, chart.level_name)});
    }
    break;
  }
  result.figures.push_back({.svg = scatter_plot_svg(front),
                            .title = front.title,
                            .caption = "Each point is a merge (all samples). The dashed line joins those that no other "
                                       "one beats in both scores; the ring is the chosen point."});
  result.choice = sentence_of(study, sweep, choice);
  for (const std::string& sentence : front_sentences(study, sweep, base, scores)) result.choice += " " + sentence;
  return result;
}

}  // namespace cambium::study
