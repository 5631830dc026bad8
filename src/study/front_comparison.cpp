#include "study/front_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "report/markup.h"
#include "study/seed_estimate.h"

namespace cambium::study {
namespace {

constexpr int kPlaces = 201;

// What no other point beats in both, by what is kept; the gain falls along it.
std::vector<KeptAndGained> front_of(std::span<const KeptAndGained> points) {
  std::vector<KeptAndGained> sorted(points.begin(), points.end());
  std::ranges::sort(sorted, [](const KeptAndGained& a, const KeptAndGained& b) {
    return a.kept != b.kept ? a.kept > b.kept : a.gained > b.gained;
  });
  std::vector<KeptAndGained> front;
  double best = -std::numeric_limits<double>::infinity();
  for (const KeptAndGained& point : sorted) {
    if (point.gained <= best) continue;
    front.push_back(point);
    best = point.gained;
  }
  std::ranges::reverse(front);
  return front;
}

// Where less is asked to be kept than the front's first point keeps, that point will do.
double gained_at(const std::vector<KeptAndGained>& front, double kept) {
  if (kept <= front.front().kept) return front.front().gained;
  for (std::size_t i = 1; i < front.size(); ++i) {
    if (kept > front[i].kept) continue;
    const double share = (kept - front[i - 1].kept) / (front[i].kept - front[i - 1].kept);
    return front[i - 1].gained + share * (front[i].gained - front[i - 1].gained);
  }
  return front.back().gained;
}

std::string word(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::optional<double> mean_of(const Scores& scores, const std::string& base, std::int64_t seed, const std::string& arm,
                              const TaskGroup& group) {
  double sum = 0;
  for (const std::string& task : group.tasks) {
    const Scores::Samples* samples = scores.samples(base, seed, arm, group.name, task);
    if (samples == nullptr) return std::nullopt;
    double of_task = 0;
    for (const auto& [document, sample] : *samples) of_task += sample.value;
    sum += of_task / static_cast<double>(samples->size());
  }
  return sum / static_cast<double>(group.tasks.size());
}

}  // namespace

std::optional<double> front_gap(std::span<const KeptAndGained> first, std::span<const KeptAndGained> second) {
  if (first.empty() || second.empty()) return std::nullopt;
  const std::vector<KeptAndGained> before = front_of(first), after = front_of(second);
  const double low = std::max(before.front().kept, after.front().kept);
  const double high = std::min(before.back().kept, after.back().kept);
  if (high < low) return std::nullopt;
  double sum = 0;
  for (int i = 0; i < kPlaces; ++i) {
    const double kept = low + (high - low) * i / (kPlaces - 1);
    sum += gained_at(after, kept) - gained_at(before, kept);
  }
  return sum / kPlaces;
}

std::vector<std::string> front_sentences(const StudyFile& study, const Sweep& sweep, const std::string& base,
                                         const Scores& scores) {
  if (sweep.grid.size() != 2) return {};
  const auto numbers = [](const std::vector<Json>& values) {
    return values.size() > 1 && std::ranges::all_of(values, [](const Json& value) { return value.is_number(); });
  };
  // The axis with more numbers is walked along; the other one tells the families apart.
  std::size_t along = sweep.grid[0].second.size() >= sweep.grid[1].second.size() ? 0 : 1;
  if (!numbers(sweep.grid[along].second)) along = 1 - along;
  if (!numbers(sweep.grid[along].second) || sweep.grid[1 - along].second.size() < 2) return {};
  const auto& [axis, families] = sweep.grid[1 - along];
  const TaskGroup& keep = study.group(sweep.keep);
  const TaskGroup& gain = study.group(sweep.gain);

  const auto points = [&](std::int64_t seed, const Json& family) {
    std::vector<KeptAndGained> found;
    for (const std::string& arm : sweep.arms) {
      if (study.arm(arm).point.at(axis) != family) continue;
      const auto kept = mean_of(scores, base, seed, arm, keep), gained = mean_of(scores, base, seed, arm, gain);
      if (kept && gained) found.push_back({.kept = *kept, .gained = *gained});
    }
    return found;
  };
  std::vector<std::string> sentences;
  for (std::size_t i = 1; i < families.size(); ++i) {
    std::vector<double> gaps;
    for (const std::int64_t seed : scores.seeds()) {
      if (const auto gap = front_gap(points(seed, families[0]), points(seed, families[i]))) gaps.push_back(*gap);
    }
    if (gaps.empty()) continue;
    std::string numbers_text;
    if (gaps.size() >= kSeedsForInterval) {
      const Estimate estimate = estimate_over_seeds(gaps);
      numbers_text = fmt::format("{} [{}, {}] points", report::signed_text(estimate.value),
                                 report::signed_text(estimate.low), report::signed_text(estimate.high));
    } else {
      double sum = 0;
      for (const double gap : gaps) sum += gap;
      numbers_text = fmt::format("{} points", report::signed_text(sum / static_cast<double>(gaps.size())));
    }
    sentences.push_back(
        fmt::format("At equal {}, {} {} against {} {}: {} of {} ({} seed{}; difference of the fronts, "
                    "averaged over what both reach).",
                    keep.title, axis, word(families[i]), axis, word(families[0]), numbers_text, gain.title, gaps.size(),
                    gaps.size() == 1 ? "" : "s"));
  }
  return sentences;
}

}  // namespace cambium::study
