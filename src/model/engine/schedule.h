#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "model/engine/engine.h"

namespace cambium::model {

/// One sequence to be run: tokens to compute, what is wanted on the way, and what to generate behind them.
struct Job {
  const Prompt* prompt = nullptr;
  std::vector<std::int32_t> ids;  ///< of the whole sequence: the prompt's and, for scores, the continuation's

  struct Target {
    std::size_t position;  ///< where the logits are
    std::int32_t id;       ///< token that is scored there
    double* log_probability;
    std::uint8_t* greedy;
  };
  std::vector<Target> targets;

  struct Tap {
    std::size_t position;
    std::size_t index;
    const LogitRequest* request;
  };
  std::vector<Tap> taps;

  const GenerateRequest* request = nullptr;  ///< generate behind the last token
  Generation* generation = nullptr;
  std::size_t number = 0;  ///< request that this job is part of
};

/// Keys and values of sequences that were run before, for later calls that begin alike. Least recently used ones go
/// first.
class RetainedPrefixes {
 public:
  RetainedPrefixes(BlockPool& cache, std::size_t max_blocks) : cache_(cache), max_blocks_(max_blocks) {}
  ~RetainedPrefixes() { clear(); }
  RetainedPrefixes(const RetainedPrefixes&) = delete;
  RetainedPrefixes& operator=(const RetainedPrefixes&) = delete;

  /// Takes a holder of each block over.
  void keep(std::vector<std::int64_t> tokens, std::shared_ptr<const HeadMask> mask, std::vector<BlockId> blocks);
  struct Match {
    std::size_t tokens = 0;
    std::vector<BlockId> blocks;  ///< that cover them; each with a holder more
  };
  [[nodiscard]] Match find(std::span<const std::int64_t> tokens, const HeadMask* mask);
  [[nodiscard]] std::size_t blocks() const { return used_; }
  /// Gives back one sequence's blocks; false if there is none.
  bool drop_oldest();
  void clear();

 private:
  struct Entry {
    std::vector<std::int64_t> tokens;
    std::shared_ptr<const HeadMask> mask;
    std::vector<BlockId> blocks;
    std::uint64_t last_use;
  };
  BlockPool& cache_;
  std::size_t max_blocks_;
  std::size_t used_ = 0;
  std::uint64_t clock_ = 0;
  std::vector<Entry> entries_;
};

/// Runs all jobs to their end. Their order of execution is depth first through the tree of their tokens.
/// @param finished  called with a job's index when all of it is done
/// @throws SystemError  a sequence does not fit the cache even alone
void run_schedule(DecoderBackend& backend, const EngineOptions& options, RetainedPrefixes& retained,
                  std::span<Job> jobs, EngineStatistics& statistics,
                  const std::function<void(std::size_t job)>& finished);

}  // namespace cambium::model
