#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "model/engine/requests.h"
#include "model/native/native_decoder.h"

namespace cambium::eval {

/// Attention heads that are switched off together.
struct HeadSet {
  std::vector<std::pair<std::size_t, std::size_t>> heads;  ///< (layer, query head); at least one
  [[nodiscard]] std::size_t lowest_layer() const;
};

/// One way to go on: log p(continuation | context) is wanted.
struct MaskedOption {
  model::Prompt context;                   ///< without a mask
  std::vector<std::int32_t> continuation;  ///< at least one token
};

/// One question with its options.
struct MaskedQuestion {
  std::vector<MaskedOption> options;
};

struct MaskedScoringOptions {
  std::size_t step_rows = 2048;                    ///< tokens that a step runs at most, if there is a choice
  std::size_t trace_bytes = std::size_t{1} << 30;  ///< of what the layers held, kept for a batch of questions
  std::function<void(double share)> progress;      ///< done so far, 0..1, from the calling thread; may throw
};

/// Number of the unmasked scores.
inline constexpr std::size_t kUnmasked = SIZE_MAX;

/// Receives one question's scores under one mask (or kUnmasked, which comes first for each question).
using MaskedScores = std::function<void(std::size_t question, std::size_t mask, std::span<const double> options)>;

/// Scores all questions without and with each mask; the numbers have the same bits as those of an engine that runs
/// every prompt with the mask.
///
/// Questions are run in batches as trees of prompts. What every layer held is kept, and a mask runs only what lies
/// above the heads it switches off, from their outputs on. Cost: with one mask a head about half of as many
/// evaluations.
/// @throws ValueError  an empty prompt, an id that the vocabulary lacks, a prompt longer than the context; a head that
///                     is not there; a question that does not fit into the cache
void score_masked(model::NativeDecoder& decoder, std::span<const MaskedQuestion> questions,
                  std::span<const HeadSet> masks, const MaskedScoringOptions& options, const MaskedScores& receive);

}  // namespace cambium::eval
