#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "checkpoint/gguf_model.h"
#include "checkpoint/json.h"
#include "tensor/dtype.h"

namespace cambium::checkpoint {

/// config.json of the model, as transformers 5 writes it: every number that the file states or its tensors show, and
/// the family's constants where GGUF has none (each commented in the source).
/// @param dtype  what the weights are written in
[[nodiscard]] Json gguf_config(const GgufModel& model, DType dtype);

/// generation_config.json: the ids that begin, end and pad a text; end of turn and end of message end a text too.
[[nodiscard]] Json gguf_generation_config(const GgufModel& model);

}  // namespace cambium::checkpoint
