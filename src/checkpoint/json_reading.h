#pragma once

#include <string_view>
#include <utility>

#include "checkpoint/json.h"

namespace cambium::checkpoint {

/// @throws CheckpointError  always: `where`, and what the JSON library missed (without its own prefix)
[[noreturn]] void refuse_json(std::string_view where, const Json::exception& error);

/// What read() gives; a member that is missing or of another kind than it asks for is refused with CheckpointError.
/// For files that the program wrote itself: what people write deserves messages that name the field.
template <class Read>
auto reading_json(std::string_view where, Read&& read) -> decltype(read()) {
  try {
    return std::forward<Read>(read)();
  } catch (const Json::exception& error) {
    refuse_json(where, error);
  }
}

}  // namespace cambium::checkpoint
