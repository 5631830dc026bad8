#include "study/scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "eval/store/store_reader.h"
#include "tensor/error.h"

namespace cambium::study {
namespace {

constexpr std::size_t kSeedsForInterval = 3;

std::string key_of(const std::string& base, std::int64_t seed, const std::string& arm, const std::string& task) {
  return fmt::format("{}\n{}\n{}\n{}", base, seed, arm, task);
}

bool counts(std::size_t document, Half half) {
  return half == Half::kAll || (document % 2 == 0) == (half == Half::kEven);
}

}  // namespace

Scores Scores::read(const std::filesystem::path& database, const StudyFile& study, const StepGraph& graph,
                    const std::vector<std::string>& done_steps) {
  Scores scores;
  scores.seeds_ = study.seeds;
  if (!std::filesystem::exists(database)) return scores;
  const eval::StoreReader store(database);
  const std::set<std::string> done(done_steps.begin(), done_steps.end());
  for (const EvalRun& run : graph.evaluations) {
    if (!done.contains(run.step)) continue;
    // A run that was taken away, or stored under another name by hand, has no scores; the rest of the report stands.
    const std::vector<eval::StoredRun> runs = store.runs();
    // The latest of several: inputs may have changed in between.
    const auto found =
        std::find_if(runs.rbegin(), runs.rend(), [&](const auto& each) { return each.name == run.run_name; });
    if (found == runs.rend()) continue;
    const eval::StoredRun& stored = *found;
    for (const eval::StoredTask& task : store.tasks(stored.id)) {
      const std::vector<eval::StoredMetric> metrics = store.metrics(stored.id, task.name);
      if (metrics.empty()) continue;
      Samples& samples = scores.samples_[key_of(run.base, run.seed, run.arm, task.name)];
      for (const eval::StoredSample& sample : store.samples(stored.id, task.name)) {
        if (const auto value = sample.score(metrics.front().metric, metrics.front().filter)) {
          samples[sample.document] = 100 * *value;
        }
      }
    }
  }
  return scores;
}

const Scores::Samples* Scores::samples(const std::string& base, std::int64_t seed, const std::string& arm,
                                       const std::string& task) const {
  const auto found = samples_.find(key_of(base, seed, arm, task));
  return found == samples_.end() || found->second.empty() ? nullptr : &found->second;
}

template <typename Take>
Scores::Cell Scores::summarised(const std::vector<std::string>& tasks, bool shares, const Take& take) const {
  Cell cell;
  std::vector<double> by_seed;
  std::vector<std::vector<double>> pooled(tasks.size());
  for (const std::int64_t seed : seeds_) {
    double sum = 0;
    std::vector<std::vector<double>> values(tasks.size());
    bool complete = true;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      values[i] = take(seed, tasks[i]);
      if (values[i].empty()) complete = false;
    }
    // A seed of which a task is missing would be another mean.
    if (!complete) continue;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      sum += stratum_of(values[i]).mean;
      cell.samples += values[i].size();
      pooled[i].insert(pooled[i].end(), values[i].begin(), values[i].end());
    }
    by_seed.push_back(sum / static_cast<double>(tasks.size()));
  }
  cell.seeds = by_seed.size();
  if (by_seed.empty()) return cell;
  if (by_seed.size() >= kSeedsForInterval) {
    cell.estimate = estimate_over_seeds(by_seed);
  } else {
    std::vector<Stratum> strata;
    for (const std::vector<double>& values : pooled)
      strata.push_back(shares ? stratum_of_shares(values, 100) : stratum_of(values));
    cell.estimate = estimate_over_strata(strata);
  }
  if (shares) {
    cell.estimate.low = std::max(cell.estimate.low, 0.0);
    cell.estimate.high = std::min(cell.estimate.high, 100.0);
  }
  return cell;
}

Scores::Cell Scores::mean(const std::string& base, const std::string& arm, const std::vector<std::string>& tasks,
                          Half half) const {
  return summarised(tasks, true, [&](std::int64_t seed, const std::string& task) {
    std::vector<double> values;
    if (const Samples* all = samples(base, seed, arm, task)) {
      for (const auto& [document, value] : *all) {
        if (counts(document, half)) values.push_back(value);
      }
    }
    return values;
  });
}

Scores::Cell Scores::difference(const std::string& base, const std::string& first, const std::string& second,
                                const std::vector<std::string>& tasks, Half half) const {
  return summarised(tasks, false, [&](std::int64_t seed, const std::string& task) {
    std::vector<double> values;
    const Samples* before = samples(base, seed, first, task);
    const Samples* after = samples(base, seed, second, task);
    if (before == nullptr || after == nullptr) return values;
    for (const auto& [document, value] : *after) {
      const auto found = before->find(document);
      if (found != before->end() && counts(document, half)) values.push_back(value - found->second);
    }
    return values;
  });
}

}  // namespace cambium::study
