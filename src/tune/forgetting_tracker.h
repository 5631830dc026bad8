#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tune/labelled_tokens.h"
#include "tune/tune_config.h"
#include "tune/tune_run.h"
#include "tune/tuned_model.h"

namespace cambium {
class Progress;
}

namespace cambium::tune {

/// Follows what the model forgets while it is tuned: the perplexity of given texts, the share of given rows whose
/// answer greedy decoding would give to the letter, and the metrics of given tasks (small fixed subsets, asked through
/// eval/).
class ForgettingTracker {
 public:
  /// Reads texts and tasks. @throws RecipeError  a text that is too short, an unknown task
  /// @param reader  decodes the rows' media; null for a model that takes none. Must outlive this.
  ForgettingTracker(const TrackConfig& config, const RowTokenizer& tokenizer, std::int64_t context,
                    const model::MediaReader* reader);
  ~ForgettingTracker();

  [[nodiscard]] bool empty() const;
  /// Measures the model as it is now; each curve grows by a point. @param tokens  that it has learned from so far
  void measure(const TunedModel& model, std::int64_t tokens, Progress& progress);
  [[nodiscard]] const std::vector<CurveReport>& curves() const;
  /// Whether a curve lost more than the configuration's limit.
  [[nodiscard]] bool over_limit() const;
  /// Whether the curve that decides has its best value at its last point. @throws UsageError  no such curve
  [[nodiscard]] bool best_is_last() const;

  [[nodiscard]] nlohmann::ordered_json state() const;
  void restore(const nlohmann::ordered_json& state);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::tune
