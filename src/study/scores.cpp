#include "study/scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "checkpoint/json.h"
#include "eval/store/store_reader.h"
#include "tasks/comparison/sample_pairing.h"
#include "text/jinja_json.h"

namespace cambium::study {
namespace {

std::string key_of(const std::string& base, std::int64_t seed, const std::string& arm, const std::string& group,
                   const std::string& task) {
  return fmt::format("{}\n{}\n{}\n{}\n{}", base, seed, arm, group, task);
}

// Numbers of documents' clusters, counted through all tasks: a task of equal data and prompts keeps them from seed to
// seed.
class Clusters {
 public:
  struct Place {
    std::int64_t number = 0;
    bool even = true;
  };
  // By document of `task`.
  const std::map<std::size_t, Place>& of(const eval::StoredTask& task, const std::vector<eval::StoredSample>& samples) {
    std::map<std::size_t, Place>& places = known_[task.fingerprint];
    if (std::ranges::all_of(samples, [&](const auto& sample) { return places.contains(sample.document); }))
      return places;
    tasks::RecordedTask recorded;
    recorded.name = task.name;
    recorded.cluster_field = cluster_field(task);
    for (const eval::StoredSample& sample : samples) {
      recorded.samples.emplace_back();
      recorded.samples.back().number = sample.document;
      recorded.samples.back().document = text::jinja::from_json(sample.content, "results.db");
    }
    tasks::SamplePairs pairs;
    for (const tasks::RecordedSample& sample : recorded.samples) pairs.pairs.emplace_back(&sample, &sample);
    const tasks::SampleClusters clusters = tasks::sample_clusters(recorded, pairs, "auto");
    std::int64_t last = next_;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const std::size_t document = samples[i].document;
      const std::int64_t own = clusters.number.empty() ? static_cast<std::int64_t>(document) : clusters.number[i];
      places[document] = {.number = next_ + own, .even = own % 2 == 0};
      last = std::max(last, next_ + own + 1);
    }
    next_ = last;
    return places;
  }

 private:
  static std::string cluster_field(const eval::StoredTask& task) {
    const checkpoint::Json config = checkpoint::parse_json(task.config, "results.db");
    const auto metadata = config.find("metadata");
    return metadata != config.end() && metadata->is_object() ? metadata->value("cluster", "") : std::string();
  }
  std::map<std::string, std::map<std::size_t, Place>> known_;  ///< by the task's fingerprint
  std::int64_t next_ = 0;
};

// What a question comes with, by its first request.
std::string modality_of(const eval::StoredSample& sample) {
  if (sample.requests.empty() || sample.requests.front().media.empty()) return {};
  const checkpoint::Json media = checkpoint::parse_json(sample.requests.front().media, "results.db");
  for (const char* kind : {"images", "clips", "sounds"}) {
    if (media.contains(kind) && !media[kind].empty()) return kind;
  }
  return {};
}

bool counts(const Scores::Sample& sample, Half half) {
  return half == Half::kAll || sample.even == (half == Half::kEven);
}

}  // namespace

const eval::StoredMetric* headline_metric(const std::vector<eval::StoredMetric>& metrics,
                                          const std::vector<eval::StoredSample>& samples) {
  const auto measured = [&](const eval::StoredMetric& metric) {
    return std::ranges::any_of(samples, [&](const eval::StoredSample& sample) {
      return sample.score(metric.metric, metric.filter).has_value();
    });
  };
  const auto first = std::ranges::find_if(metrics, measured);
  if (first == metrics.end()) return nullptr;
  std::string strict = first->metric;
  if (const auto loose = strict.find("loose"); loose != std::string::npos) {
    strict.replace(loose, 5, "strict");
    const auto twin = std::ranges::find_if(metrics, [&](const eval::StoredMetric& metric) {
      return metric.metric == strict && metric.filter == first->filter && measured(metric);
    });
    if (twin != metrics.end()) return &*twin;
  }
  return &*first;
}

Scores Scores::read(const std::filesystem::path& database, const StudyFile& study, const StepGraph& graph,
                    const std::vector<std::string>& done_steps) {
  Scores scores;
  scores.seeds_ = study.seeds;
  if (!std::filesystem::exists(database)) return scores;
  const eval::StoreReader store(database);
  const std::set<std::string> done(done_steps.begin(), done_steps.end());
  const std::vector<eval::StoredRun> runs = store.runs();
  Clusters clusters;
  for (const EvalRun& run : graph.evaluations) {
    if (!done.contains(run.step)) continue;
    // A run that was taken away, or stored under another name by hand, has no scores; the rest of the report stands.
    // The latest of several: inputs may have changed in between.
    const auto found =
        std::find_if(runs.rbegin(), runs.rend(), [&](const auto& each) { return each.name == run.run_name; });
    if (found == runs.rend()) continue;
    const eval::StoredRun& stored = *found;
    for (const eval::StoredTask& task : store.tasks(stored.id)) {
      const std::vector<eval::StoredMetric> metrics = store.metrics(stored.id, task.name);
      const std::vector<eval::StoredSample> stored_samples = store.samples(stored.id, task.name);
      const eval::StoredMetric* metric = headline_metric(metrics, stored_samples);
      if (metric == nullptr) continue;
      Samples& samples = scores.samples_[key_of(run.base, run.seed, run.arm, run.group, task.name)];
      const auto& places = clusters.of(task, stored_samples);
      if (!stored_samples.empty()) {
        if (std::string modality = modality_of(stored_samples.front()); !modality.empty())
          scores.modalities_[run.group] = std::move(modality);
      }
      for (const eval::StoredSample& sample : stored_samples) {
        if (const auto value = sample.score(metric->metric, metric->filter)) {
          const auto& place = places.at(sample.document);
          samples[sample.document] = {.value = 100 * *value, .cluster = place.number, .even = place.even};
        }
      }
    }
  }
  return scores;
}

const Scores::Samples* Scores::samples(const std::string& base, std::int64_t seed, const std::string& arm,
                                       const std::string& group, const std::string& task) const {
  const auto found = samples_.find(key_of(base, seed, arm, group, task));
  return found == samples_.end() || found->second.empty() ? nullptr : &found->second;
}

template <typename Take>
Scores::Cell Scores::summarised(const std::vector<std::string>& tasks, bool shares, const Take& take) const {
  Cell cell;
  std::vector<Observation> observations;
  for (const std::int64_t seed : seeds_) {
    std::vector<Observation> of_seed;
    bool complete = true;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      const std::size_t before = of_seed.size();
      take(seed, tasks[i], [&](const Sample& sample, double value) {
        of_seed.push_back({.seed = cell.seeds, .task = i, .cluster = sample.cluster, .value = value});
      });
      complete = complete && of_seed.size() > before;
    }
    // A seed of which a task is missing would be another mean.
    if (!complete) continue;
    ++cell.seeds;
    observations.insert(observations.end(), of_seed.begin(), of_seed.end());
  }
  cell.samples = observations.size();
  if (cell.seeds > 0) cell.estimate = estimate_over_seeds_and_samples(observations, cell.seeds, tasks.size(), shares);
  return cell;
}

Scores::Cell Scores::mean(const std::string& base, const std::string& arm, const std::string& group,
                          const std::vector<std::string>& tasks, Half half) const {
  return summarised(tasks, true, [&](std::int64_t seed, const std::string& task, const auto& add) {
    if (const Samples* all = samples(base, seed, arm, group, task)) {
      for (const auto& [document, sample] : *all) {
        if (counts(sample, half)) add(sample, sample.value);
      }
    }
  });
}

Scores::Cell Scores::difference(const std::string& base, const Asked& first, const Asked& second,
                                const std::vector<std::string>& tasks, Half half) const {
  return summarised(tasks, false, [&](std::int64_t seed, const std::string& task, const auto& add) {
    const Samples* before = samples(base, seed, first.arm, first.group, task);
    const Samples* after = samples(base, seed, second.arm, second.group, task);
    if (before == nullptr || after == nullptr) return;
    for (const auto& [document, sample] : *after) {
      const auto found = before->find(document);
      if (found != before->end() && counts(sample, half)) add(sample, sample.value - found->second.value);
    }
  });
}

std::string Scores::modality(const std::string& group) const {
  const auto found = modalities_.find(group);
  return found == modalities_.end() ? std::string() : found->second;
}

}  // namespace cambium::study
