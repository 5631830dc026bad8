#include "model/config_reader.h"

#include <fmt/format.h>

#include <cmath>

#include "checkpoint/json.h"
#include "tensor/error.h"

namespace cambium::model {

namespace {

const Json* given(const Json& object, std::string_view field) {
  const auto found = object.find(std::string(field));
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace

bool ConfigReader::has(std::string_view field) const { return given(object_, field) != nullptr; }

bool ConfigReader::is_null(std::string_view field) const {
  const auto found = object_.find(std::string(field));
  return found != object_.end() && found->is_null();
}

std::optional<double> ConfigReader::number(std::string_view field) const {
  const Json* value = given(object_, field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) fail(field, "a number");
  const auto number = value->get<double>();
  if (!std::isfinite(number)) fail(field, "a finite number");
  return number;
}

std::optional<std::int64_t> ConfigReader::integer(std::string_view field) const {
  const Json* value = given(object_, field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) fail(field, "an integer");
  const auto number = value->get<double>();
  if (number != std::floor(number) || std::abs(number) > 9e15) fail(field, "an integer");
  return static_cast<std::int64_t>(number);
}

std::optional<bool> ConfigReader::boolean(std::string_view field) const {
  const Json* value = given(object_, field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) fail(field, "true or false");
  return value->get<bool>();
}

std::optional<std::string> ConfigReader::text(std::string_view field) const {
  const Json* value = given(object_, field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) fail(field, "a string");
  return value->get<std::string>();
}

std::vector<std::string> ConfigReader::texts(std::string_view field) const {
  const Json* value = given(object_, field);
  if (value == nullptr) return {};
  if (!value->is_array()) fail(field, "a list of strings");
  std::vector<std::string> result;
  for (const Json& item : *value) {
    if (!item.is_string()) fail(field, "a list of strings");
    result.push_back(item.get<std::string>());
  }
  return result;
}

std::vector<double> ConfigReader::numbers(std::string_view field) const {
  const Json* value = given(object_, field);
  if (value == nullptr) return {};
  if (!value->is_array()) fail(field, "a list of numbers");
  std::vector<double> result;
  for (const Json& item : *value) {
    if (!item.is_number()) fail(field, "a list of numbers");
    result.push_back(item.get<double>());
  }
  return result;
}

const Json& ConfigReader::object(std::string_view field) const {
  static const Json kEmpty = Json::object();
  const Json* value = given(object_, field);
  if (value == nullptr) return kEmpty;
  if (!value->is_object()) fail(field, "an object");
  return *value;
}

void ConfigReader::fail(std::string_view field, std::string_view expected) const {
  const auto found = object_.find(std::string(field));
  throw CheckpointError(fmt::format("{}: config field '{}' is {}, expected {}", where_, field,
                                    found == object_.end() ? "absent" : found->dump(), expected));
}

}  // namespace cambium::model
