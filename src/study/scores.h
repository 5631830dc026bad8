#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "eval/store/stored_run.h"
#include "study/seed_estimate.h"
#include "study/step_graph.h"

namespace cambium::study {

/// The metric that a task's score is of: the first by filter and name that has a value for each sample, but the strict
/// one of a strict and a loose one (IFEval). Null if no metric has.
[[nodiscard]] const eval::StoredMetric* headline_metric(const std::vector<eval::StoredMetric>& metrics,
                                                        const std::vector<eval::StoredSample>& samples);

/// Which samples count: all, or one half (documents of even or odd number; questions on one picture stay together).
enum class Half { kAll, kEven, kOdd };

/// The scores of a study's models, read from results.db. In points, 0 to 100.
class Scores {
 public:
  /// Reads what is there of the graph's evaluations whose step is done.
  static Scores read(const std::filesystem::path& database, const StudyFile& study, const StepGraph& graph,
                     const std::vector<std::string>& done_steps);

  struct Sample {
    double value = 0;
    /// Equal: the same document asked under another seed, or another question on its picture.
    std::int64_t cluster = 0;
    bool even = true;  ///< which half it is in
  };
  using Samples = std::map<std::size_t, Sample>;  ///< by document
  [[nodiscard]] const Samples* samples(const std::string& base, std::int64_t seed, const std::string& arm,
                                       const std::string& group, const std::string& task) const;

  struct Cell {
    Estimate estimate;
    std::size_t samples = 0, seeds = 0;  ///< 0 seeds: not measured
  };
  /// Mean of an arm over tasks of a group, with an interval over seeds and samples (three seeds or more) or over
  /// samples.
  [[nodiscard]] Cell mean(const std::string& base, const std::string& arm, const std::string& group,
                          const std::vector<std::string>& tasks, Half half = Half::kAll) const;
  /// The same of second - first, over the samples that both have.
  struct Asked {
    std::string arm, group;
  };
  [[nodiscard]] Cell difference(const std::string& base, const Asked& first, const Asked& second,
                                const std::vector<std::string>& tasks, Half half = Half::kAll) const;
  [[nodiscard]] Cell difference(const std::string& base, const std::string& first, const std::string& second,
                                const std::string& group, const std::vector<std::string>& tasks,
                                Half half = Half::kAll) const {
    return difference(base, Asked{first, group}, Asked{second, group}, tasks, half);
  }
  /// "images", "clips" or "sounds": what the questions of a group come with; empty: words alone.
  [[nodiscard]] std::string modality(const std::string& group) const;

  [[nodiscard]] const std::vector<std::int64_t>& seeds() const { return seeds_; }

 private:
  template <typename Take>
  Cell summarised(const std::vector<std::string>& tasks, bool shares, const Take& take) const;

  std::vector<std::int64_t> seeds_;
  std::map<std::string, Samples> samples_;
  std::map<std::string, std::string> modalities_;  ///< by group
};

}  // namespace cambium::study
