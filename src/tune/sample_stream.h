#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tune/labelled_tokens.h"
#include "tune/tune_config.h"

namespace cambium::tune {

/// A pseudo-random order of 0..n-1 that takes no memory: a Feistel network on the next power of four, walked until the
/// value lies below n. Cost: O(1) expected a value.
[[nodiscard]] std::uint64_t shuffled_index(std::uint64_t index, std::uint64_t n, std::uint64_t seed);

/// What a source holds, found out before training.
struct SourceSurvey {
  std::size_t rows = 0;
  std::size_t looked_at = 0;  ///< all of them, or an even sample
  std::size_t bad = 0, too_long = 0;
  double tokens = 0, supervised = 0;  ///< of all usable rows once (scaled up from the sample)
  double samples = 0;
  [[nodiscard]] double amount(MixtureUnit unit) const;
};

/// A row that could not be used.
struct BadRow {
  std::string source, where, why;
};

/// One drawn row.
struct Sample {
  std::size_t source = 0;
  LabelledTokens tokens;
  double amount = 0;  ///< in the mixture's unit
};

/// Draws rows from the sources so that each one's share of the counted amount follows the schedule, to within a row:
/// always from the source that is farthest behind. Deterministic; its whole state is a few numbers a source.
class SampleStream {
 public:
  /// @throws RecipeError  as RowFiles
  SampleStream(const TuneConfig& config, const RowTokenizer& tokenizer);
  ~SampleStream();

  /// Looks at the rows of every source (all up to 20,000, else that many spread evenly): tokens, bad rows, missing
  /// media. Fixes shares that the configuration leaves open, and the run's length (`total()`).
  /// @throws RecipeError  more bad rows than allowed (the first ones are listed); a row longer than the context where
  /// that is an error; a budget that the data cannot fill with the repeats that are allowed
  void survey();
  [[nodiscard]] const std::vector<SourceSurvey>& surveys() const;
  /// Amount of the whole run in the mixture's unit; 0 before survey().
  [[nodiscard]] double total() const;
  /// Share of a source at a point of the run (0..1).
  [[nodiscard]] double share(std::size_t source, double progress) const;

  /// The next row; nothing when the total is reached.
  /// @throws RecipeError  a source has run out of rows; too many bad rows
  [[nodiscard]] std::optional<Sample> next();
  /// Amount drawn so far, in all and by source.
  [[nodiscard]] double drawn() const;
  [[nodiscard]] double drawn(std::size_t source) const;
  [[nodiscard]] const std::vector<BadRow>& bad_rows() const;

  /// Where the stream stands; setting it back repeats the same rows.
  [[nodiscard]] nlohmann::ordered_json state() const;
  void restore(const nlohmann::ordered_json& state);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::tune
