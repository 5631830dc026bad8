#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "checkpoint/json.h"

namespace cambium::checkpoint {

/// A number, string, boolean or null of a JSON text. Integers that fit neither 64-bit type come as double.
using JsonScalar = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string>;

/// The integer, if the scalar is one that fits (written without fraction and exponent).
[[nodiscard]] std::optional<std::int64_t> as_int64(const JsonScalar& scalar);
[[nodiscard]] std::optional<std::uint64_t> as_uint64(const JsonScalar& scalar);
/// "a string", "an integer" ... for messages.
[[nodiscard]] std::string_view kind_of(const JsonScalar& scalar);

/// Receives the pieces of a JSON text in order. What it throws (CheckpointError) ends the scan.
class JsonEvents {
 public:
  virtual ~JsonEvents() = default;
  virtual void scalar(JsonScalar value) = 0;
  virtual void key(std::string name) = 0;  ///< of the value that comes next
  virtual void begin_object() = 0;
  virtual void end_object() = 0;
  virtual void begin_array() = 0;
  virtual void end_array() = 0;
};

/// Reads JSON text without building a tree: large or hostile texts cost no memory beyond the longest string and the
/// keys of the open objects. Checks as parse_json does, with the same errors.
void scan_json(std::string_view text, std::string_view where, const JsonLimits& limits, JsonEvents& events);

}  // namespace cambium::checkpoint
