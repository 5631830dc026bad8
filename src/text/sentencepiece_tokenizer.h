#pragma once

#include <memory>
#include <string_view>

#include "text/pipeline.h"

namespace cambium::text {

/// Builds a tokenizer on a sentencepiece model (the bytes of a `tokenizer.model`). Ids are sentencepiece's own; control
/// pieces and the unknown piece are cut out of the text first, and each stretch between them is encoded by itself, as
/// the original Llama tokenizer of transformers does. <s> goes in front of a text if the model has it, else </s>
/// behind.
/// @throws CheckpointError  not a sentencepiece model
[[nodiscard]] std::unique_ptr<Pipeline> pipeline_from_sentencepiece(std::string_view model, std::string_view where);

}  // namespace cambium::text
