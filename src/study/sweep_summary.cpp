#include "study/sweep_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace cambium::study {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

std::string plain(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::string label_of(const Sweep& sweep, const Arm& arm, const std::string& without) {
  std::string label;
  for (const auto& [key, values] : sweep.grid) {
    if (key == without || values.size() < 2) continue;
    label += fmt::format("{}{} {}", label.empty() ? "" : ", ", key, plain(arm.point.at(key)));
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
                          .level = kNothing,
                          .level_name = {}};
  const bool gain = group.name == sweep.gain;
  const std::string& level = gain ? sweep.target : sweep.reference;
  if (const Scores::Cell cell = scores.mean(base, level, group.name, group.tasks); cell.seeds > 0) {
    chart.level = cell.estimate.value;
    chart.level_name = level;
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

// The sentence about the chosen point.
std::string choice(const StudyFile& study, const Sweep& sweep, const std::string& base, const Scores& scores) {
  const TaskGroup& keep = study.group(sweep.keep);
  const TaskGroup& gain = study.group(sweep.gain);
  const auto score = [&](const std::string& arm, const TaskGroup& group, Half half) {
    const Scores::Cell cell = scores.mean(base, arm, group.name, group.tasks, half);
    return cell.seeds == 0 ? kNothing : cell.estimate.value;
  };
  const double kept_before = score(sweep.reference, keep, Half::kEven);
  std::string best;
  double best_gain = -std::numeric_limits<double>::infinity();
  for (const std::string& arm : sweep.arms) {
    const double kept = score(arm, keep, Half::kEven);
    const double gained = score(arm, gain, Half::kEven);
    if (kept >= kept_before - sweep.within && gained > best_gain) {
      best = arm;
      best_gain = gained;
    }
  }
  if (best.empty())
    return fmt::format("No point keeps {} within {} points on the even documents.", study.group(sweep.keep).title,
                       sweep.within);
  const double tuned = score(sweep.reference, gain, Half::kOdd);
  const double target = score(sweep.target, gain, Half::kOdd);
  const double merged = score(best, gain, Half::kOdd);
  const double kept = score(best, keep, Half::kOdd);
  const double kept_odd = score(sweep.reference, keep, Half::kOdd);
  std::string sentence =
      fmt::format("Chosen on the even documents: {}. On the odd ones {} goes from {:.1f} to {:.1f} (", best,
                  study.group(sweep.gain).title, tuned, merged);
  const double lost = target - tuned;
  if (lost > 0) {
    sentence += fmt::format("{:.0f} % of the {:.1f} points lost", 100 * (merged - tuned) / lost, lost);
  } else {
    sentence += "nothing was lost";
  }
  return sentence + fmt::format("), {} from {:.1f} to {:.1f}.", study.group(sweep.keep).title, kept_odd, kept);
}

}  // namespace

std::optional<report::SweepResult> sweep_result(const StudyFile& study, const Sweep& sweep, const std::string& base,
                                                const Scores& scores) {
  const TaskGroup& keep = study.group(sweep.keep);
  const TaskGroup& gain = study.group(sweep.gain);
  report::SweepResult result{.title = sweep.title, .base = base, .curves = {}, .front = {}, .choice = {}};
  result.front = {.title = fmt::format("{} against {} ({})", gain.title, keep.title, base),
                  .description = "Each point is a merge; the line joins those that no other one beats in both.",
                  .x_name = keep.title + ", points",
                  .y_name = gain.title + ", points",
                  .groups = {sweep.title, "unmerged"},
                  .candidates = {}};
  const auto add = [&](const std::string& arm, const std::string& label, std::size_t group) {
    const Scores::Cell x = scores.mean(base, arm, keep.name, keep.tasks);
    const Scores::Cell y = scores.mean(base, arm, gain.name, gain.tasks);
    if (x.seeds > 0 && y.seeds > 0)
      result.front.candidates.push_back({.name = label, .x = x.estimate.value, .y = y.estimate.value, .group = group});
  };
  for (const std::string& arm : sweep.arms) add(arm, label_of(sweep, study.arm(arm), ""), 0);
  if (result.front.candidates.empty()) return std::nullopt;
  add(sweep.reference, sweep.reference, 1);
  for (const auto& [key, values] : sweep.grid) {
    if (!std::ranges::all_of(values, [](const Json& value) { return value.is_number(); }) || values.size() < 2)
      continue;
    result.curves.push_back(curve(study, sweep, base, scores, key, gain));
    result.curves.push_back(curve(study, sweep, base, scores, key, keep));
    break;
  }
  result.choice = choice(study, sweep, base, scores);
  return result;
}

}  // namespace cambium::study
