#include "checkpoint/gguf_metadata.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

#include "checkpoint/foreign_text.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

template <class T>
T packed(std::span<const std::byte> numbers, std::size_t index) {
  T value{};
  std::memcpy(&value, numbers.data() + index * sizeof(T), sizeof(T));
  return value;
}

std::optional<std::int64_t> to_integer(const GgufScalar& scalar) {
  if (const auto* value = std::get_if<std::int64_t>(&scalar)) return *value;
  if (const auto* value = std::get_if<std::uint64_t>(&scalar);
      value != nullptr && std::in_range<std::int64_t>(*value)) {
    return static_cast<std::int64_t>(*value);
  }
  return std::nullopt;
}

std::optional<double> to_number(const GgufScalar& scalar) {
  if (const auto* value = std::get_if<float>(&scalar)) return shortest_decimal(*value);
  if (const auto* value = std::get_if<double>(&scalar)) return *value;
  if (const auto integer = to_integer(scalar)) return static_cast<double>(*integer);
  return std::nullopt;
}

// Element `index` of a packed array; the caller made sure that the elements are not strings or arrays.
GgufScalar element(const GgufArray& array, std::size_t index) {
  switch (array.element) {
    case GgufValueType::kUint8:
      return std::uint64_t{packed<std::uint8_t>(array.numbers, index)};
    case GgufValueType::kInt8:
      return std::int64_t{packed<std::int8_t>(array.numbers, index)};
    case GgufValueType::kUint16:
      return std::uint64_t{packed<std::uint16_t>(array.numbers, index)};
    case GgufValueType::kInt16:
      return std::int64_t{packed<std::int16_t>(array.numbers, index)};
    case GgufValueType::kUint32:
      return std::uint64_t{packed<std::uint32_t>(array.numbers, index)};
    case GgufValueType::kInt32:
      return std::int64_t{packed<std::int32_t>(array.numbers, index)};
    case GgufValueType::kUint64:
      return packed<std::uint64_t>(array.numbers, index);
    case GgufValueType::kInt64:
      return packed<std::int64_t>(array.numbers, index);
    case GgufValueType::kFloat32:
      return packed<float>(array.numbers, index);
    case GgufValueType::kFloat64:
      return packed<double>(array.numbers, index);
    case GgufValueType::kBool:
      return packed<std::uint8_t>(array.numbers, index) != 0;
    case GgufValueType::kString:
    case GgufValueType::kArray:
      break;
  }
  return std::string_view{};
}

bool holds_numbers(const GgufArray& array) {
  return array.element != GgufValueType::kString && array.element != GgufValueType::kArray;
}

std::string describe(const GgufValue& value) {
  if (const auto* array = std::get_if<GgufArray>(&value.content)) {
    return fmt::format("an array of {} {} values", array->count, name_of(array->element));
  }
  return fmt::format("a {} value", name_of(value.type));
}

}  // namespace

std::string_view name_of(GgufValueType type) {
  static constexpr std::string_view kNames[] = {"uint8",   "int8", "uint16", "int16",  "uint32", "int32",  "float32",
                                                "boolean", "text", "array",  "uint64", "int64",  "float64"};
  return kNames[static_cast<std::size_t>(type)];
}

const GgufValue* GgufMetadata::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

void GgufMetadata::refuse(std::string_view key, const GgufValue& found, std::string_view expected) const {
  throw CheckpointError(fmt::format("{}: key '{}' holds {}, expected {}", where_, key, describe(found), expected));
}

void GgufMetadata::refuse_missing(std::string_view key) const {
  throw CheckpointError(fmt::format("{}: key '{}' is missing; the model cannot be rebuilt without it", where_, key));
}

std::optional<std::int64_t> GgufMetadata::integer(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto* scalar = std::get_if<GgufScalar>(&value->content);
  const auto result = scalar == nullptr ? std::nullopt : to_integer(*scalar);
  if (!result) refuse(key, *value, "an integer");
  return result;
}

std::optional<double> GgufMetadata::number(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto* scalar = std::get_if<GgufScalar>(&value->content);
  const auto result = scalar == nullptr ? std::nullopt : to_number(*scalar);
  if (!result || !std::isfinite(*result)) refuse(key, *value, "a finite number");
  return result;
}

std::optional<bool> GgufMetadata::boolean(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto* scalar = std::get_if<GgufScalar>(&value->content);
  if (scalar == nullptr || !std::holds_alternative<bool>(*scalar)) refuse(key, *value, "a boolean");
  return std::get<bool>(*scalar);
}

std::optional<std::string> GgufMetadata::text(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto* scalar = std::get_if<GgufScalar>(&value->content);
  if (scalar == nullptr || !std::holds_alternative<std::string_view>(*scalar)) refuse(key, *value, "a text");
  const std::string_view found = std::get<std::string_view>(*scalar);
  if (!is_utf8(found)) throw CheckpointError(fmt::format("{}: the text of key '{}' is not UTF-8", where_, key));
  return std::string(found);
}

const GgufArray* GgufMetadata::array(std::string_view key, std::string_view expected) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return nullptr;
  const auto* found = std::get_if<GgufArray>(&value->content);
  if (found == nullptr) refuse(key, *value, expected);
  return found;
}

std::vector<std::int64_t> GgufMetadata::integers(std::string_view key) const {
  const GgufArray* found = array(key, "an array of integers");
  if (found == nullptr) return {};
  std::vector<std::int64_t> result(found->count);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto value = holds_numbers(*found) ? to_integer(element(*found, i)) : std::nullopt;
    if (!value) refuse(key, *find(key), "an array of integers");
    result[i] = *value;
  }
  return result;
}

std::vector<double> GgufMetadata::numbers(std::string_view key) const {
  const GgufArray* found = array(key, "an array of numbers");
  if (found == nullptr) return {};
  std::vector<double> result(found->count);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto value = holds_numbers(*found) ? to_number(element(*found, i)) : std::nullopt;
    if (!value || std::isnan(*value)) refuse(key, *find(key), "an array of numbers");
    result[i] = *value;
  }
  return result;
}

std::vector<bool> GgufMetadata::booleans(std::string_view key) const {
  const GgufArray* found = array(key, "an array of booleans");
  if (found == nullptr) return {};
  if (found->element != GgufValueType::kBool) refuse(key, *find(key), "an array of booleans");
  std::vector<bool> result(found->count);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = std::get<bool>(element(*found, i));
  return result;
}

std::vector<std::string_view> GgufMetadata::texts(std::string_view key) const {
  const GgufArray* found = array(key, "an array of texts");
  if (found == nullptr) return {};
  if (found->count != 0 && found->element != GgufValueType::kString) refuse(key, *find(key), "an array of texts");
  return found->strings;
}

std::int64_t GgufMetadata::required_integer(std::string_view key) const {
  const auto value = integer(key);
  if (!value) refuse_missing(key);
  return *value;
}

std::string GgufMetadata::required_text(std::string_view key) const {
  auto value = text(key);
  if (!value) refuse_missing(key);
  return *std::move(value);
}

double shortest_decimal(float value) { return std::strtod(fmt::format("{}", value).c_str(), nullptr); }

}  // namespace cambium::checkpoint
