#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "model/decoder_backend.h"
#include "model/engine/sampling.h"

namespace cambium::model {

/// Rows that stand in for the embeddings of consecutive tokens (the features of a picture, say).
struct EmbeddingRows {
  std::size_t position = 0;                          ///< of the first replaced token
  std::size_t count = 0;                             ///< tokens
  std::shared_ptr<const std::vector<float>> values;  ///< count * hidden_size
  std::uint64_t identity = 0;  ///< equal exactly if the values are equal: prompts on one picture share their prefix
};

/// What a model reads.
struct Prompt {
  std::vector<std::int32_t> ids;  ///< at least one; where rows stand in, any id of the vocabulary
  std::vector<EmbeddingRows> embeddings;
  std::shared_ptr<const HeadMask> heads_off;  ///< heads to switch off in this sequence; null: none
};

enum class StopReason : std::uint8_t {
  kStopToken,  ///< one of the request's stop_ids; it is the last of the generation's ids
  kLength,     ///< max_new_tokens
  kContext,    ///< the model's context is full
  kCaller,     ///< on_token returned false
};

struct GenerateRequest {
  Prompt prompt;
  std::size_t max_new_tokens = 256;
  SamplingOptions sampling;
  std::vector<std::int32_t> stop_ids;
  /// Called for each new token, in order; false ends the generation behind it (stop strings, a closed connection). May
  /// be empty.
  std::function<bool(const SampledToken& token)> on_token;
};

struct Generation {
  std::vector<std::int32_t> ids;
  std::vector<double> log_probabilities;  ///< of each id, by the model itself
  StopReason reason = StopReason::kLength;
};

/// log p(continuation | context) for continuations of one context.
struct ScoreRequest {
  Prompt context;
  std::vector<std::vector<std::int32_t>> continuations;
};

struct ContinuationScore {
  double log_likelihood = 0;              ///< sum over the tokens, natural logarithm
  bool greedy = true;                     ///< each token is the most probable one at its place
  std::vector<double> log_probabilities;  ///< of each token
};

/// Logits at chosen places of a prompt, for whatever scoring and generation do not cover (KL divergences of masked
/// heads).
struct LogitRequest {
  Prompt prompt;
  std::vector<std::size_t> positions;  ///< rising; the logits at a position are for the token behind it
  /// Called once a position, from several threads, in any order; must not throw.
  std::function<void(std::size_t index, std::span<const float> logits)> receive;
};

/// What a call cost.
struct EngineStatistics {
  std::size_t prompt_tokens = 0;    ///< asked for, over all requests
  std::size_t computed_tokens = 0;  ///< of these run through the model: the rest was shared
  std::size_t generated_tokens = 0;
  std::size_t steps = 0;
  double prompt_seconds = 0;  ///< until the first step without prompt tokens
  double seconds = 0;
};

}  // namespace cambium::model
