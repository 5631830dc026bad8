#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "model/decoder_backend.h"
#include "model/engine/requests.h"

namespace cambium::model {

struct EngineOptions {
  std::size_t step_tokens = 512;      ///< prompt tokens that one step runs at most
  std::size_t max_sequences = 256;    ///< generations that go on side by side
  std::size_t retained_blocks = 512;  ///< of the cache that may hold prefixes for later calls
};

/// Generates and scores with one model. Requests of one call are batched continuously, and whatever they have in common
/// from the start is computed once. With float32 weights on the CPU a result has the same bits whatever else is in the
/// call.
///
/// Errors are thrown before anything is computed (ValueError: an empty prompt, an id that the vocabulary lacks, a
/// prompt longer than the context; UsageError: sampling options out of range; ShapeError: rows that do not fit), naming
/// the request's number.
class Engine {
 public:
  Engine(std::unique_ptr<DecoderBackend> backend, const EngineOptions& options);
  ~Engine();

  /// Called when a request is done, from the calling thread. May throw: the call ends with that exception.
  using Finished = std::function<void(std::size_t request)>;

  /// One generation a request. @param results  filled in as requests finish: on_finished may read results[request]
  void generate(std::span<const GenerateRequest> requests, std::vector<Generation>& results,
                const Finished& finished = {});
  [[nodiscard]] std::vector<Generation> generate(std::span<const GenerateRequest> requests);
  /// One list a request, one score a continuation (an empty continuation scores 0, greedy).
  void score(std::span<const ScoreRequest> requests, std::vector<std::vector<ContinuationScore>>& results,
             const Finished& finished = {});
  [[nodiscard]] std::vector<std::vector<ContinuationScore>> score(std::span<const ScoreRequest> requests);
  void logits(std::span<const LogitRequest> requests);

  [[nodiscard]] const DecoderConfig& config() const;
  /// Tokens that a sequence can have.
  [[nodiscard]] std::size_t context_length() const;
  /// Of the last call.
  [[nodiscard]] const EngineStatistics& statistics() const;
  /// Forgets all prefixes (the weights have changed).
  void forget();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The longest sequence a config allows: max_positions, stretched by a rope type that extends it.
[[nodiscard]] std::size_t context_length(const DecoderConfig& config);

}  // namespace cambium::model
