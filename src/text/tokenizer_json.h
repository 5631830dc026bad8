#pragma once

#include <memory>
#include <string_view>

#include "text/json_cursor.h"
#include "text/json_part.h"
#include "text/pipeline.h"

namespace cambium::text {

/// Builds a tokenizer from the text of a tokenizer.json, on whose beginning the cursor stands.
/// @throws CheckpointError  malformed, or a part or field that is not known; the message names file and place
[[nodiscard]] std::unique_ptr<Pipeline> pipeline_from_json(JsonCursor cursor);

/// Reads the model of a tokenizer.json, the object that stands next.
/// Vocabulary and merges are read without a tree in between: 150,000 of each take about 60 ms.
[[nodiscard]] std::unique_ptr<TokenModel> model_from_json(JsonCursor& cursor, std::vector<std::string>& notes);

/// Reads the value that stands next as a tree. @throws CheckpointError  also for a key that comes twice in one object
[[nodiscard]] Json read_tree(JsonCursor& cursor);

/// An added token as tokenizer.json and tokenizer_config.json write it.
[[nodiscard]] AddedToken added_token_from_json(const JsonPart& part);

}  // namespace cambium::text
