#include "checkpoint/json_reading.h"

#include <fmt/format.h>

#include "tensor/error.h"

namespace cambium::checkpoint {

void refuse_json(std::string_view where, const Json::exception& error) {
  const std::string_view words = error.what();
  const std::size_t prefix = words.starts_with('[') ? words.find("] ") : std::string_view::npos;
  throw CheckpointError(
      fmt::format("{}: malformed: {}", where, prefix == std::string_view::npos ? words : words.substr(prefix + 2)));
}

}  // namespace cambium::checkpoint
