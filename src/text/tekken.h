#pragma once

#include <memory>
#include <string_view>

#include "text/json_cursor.h"
#include "text/pipeline.h"

namespace cambium::text {

/// Builds a tokenizer from Mistral's tekken.json: byte strings ranked as in tiktoken (of all neighbouring pairs whose
/// joined bytes are in the vocabulary the lowest rank joins first), a split pattern, and special tokens in front of the
/// ranks. Special tokens are cut out of the text; <s> goes in front of it.
/// @throws CheckpointError  malformed; the message names file and field
[[nodiscard]] std::unique_ptr<Pipeline> pipeline_from_tekken(JsonCursor cursor);

}  // namespace cambium::text
