#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cambium::model {

/// How the next token is chosen from the logits. The steps apply in this order, as Hugging Face's generate() has them.
struct SamplingOptions {
  double repetition_penalty =
      1.0;  ///< logits of tokens that occurred are divided (if > 0) or multiplied (if < 0) by it; 1: off
  double temperature = 0.0;  ///< 0: the most probable token always (greedy)
  std::int64_t top_k = 0;    ///< only the k most probable; 0: all
  double top_p = 1.0;        ///< the fewest tokens that reach this share of the probability
  double min_p = 0.0;        ///< only tokens at least so probable relative to the most probable one
  std::uint64_t seed = 0;

  /// @throws UsageError  a value out of range (named, with the range)
  void check() const;
};

struct SampledToken {
  std::int32_t id = 0;
  /// Natural logarithm of the token's probability by the model itself, before penalty, temperature and cuts.
  double log_probability = 0;
};

/// Chooses one token.
/// @param logits   one row; not changed
/// @param context  the sequence so far, prompt included (for the penalty)
/// @param draw     number of the token in its generation: with the seed it decides the random number, so that a
/// sequence does not depend on
///                 what is generated beside it
[[nodiscard]] SampledToken sample(std::span<const float> logits, std::span<const std::int32_t> context,
                                  const SamplingOptions& options, std::uint64_t draw);

}  // namespace cambium::model
