#pragma once

#include <cstdint>
#include <vector>

#include "model/media/media_reader.h"
#include "tune/sample_stream.h"
#include "tune/tuned_model.h"

namespace cambium::tune {

/// The samples of one step, shared out to backward passes.
struct StepBatch {
  std::vector<MicroBatch> parts;
  std::int64_t tokens = 0, supervised = 0, samples = 0;
};

/// Puts samples behind each other, without padding: each micro-batch takes at most `micro_tokens` (one sample at
/// least), equal lengths side by side, which the attention computes together.
/// @param reader  decodes pictures, clips and sounds; null where no sample has any
[[nodiscard]] StepBatch pack(std::vector<Sample> samples, std::int64_t micro_tokens, const model::MediaReader* reader);

}  // namespace cambium::tune
