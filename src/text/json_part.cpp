#include "text/json_part.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tensor/error.h"

namespace cambium::text {

void JsonPart::fail(std::string_view message) const {
  throw CheckpointError(fmt::format("{}: {}: {}", file_, path_, message));
}

void JsonPart::unknown(std::string_view what, std::string_view name, const std::vector<std::string_view>& known) const {
  fail(fmt::format("unknown {} '{}'; known are {}", what, name, fmt::join(known, ", ")));
}

bool JsonPart::has(std::string_view name) const {
  if (!value_->is_object()) fail("must be an object");
  const auto member = value_->find(name);
  return member != value_->end() && !member->is_null();
}

JsonPart JsonPart::at(std::string_view name) const {
  if (!value_->is_object()) fail("must be an object");
  const auto member = value_->find(name);
  if (member == value_->end()) fail(fmt::format("'{}' is missing", name));
  return {*member, file_, path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name)};
}

std::vector<JsonPart> JsonPart::items() const {
  if (!value_->is_array()) fail("must be a list");
  std::vector<JsonPart> parts;
  for (std::size_t i = 0; i < value_->size(); ++i)
    parts.emplace_back((*value_)[i], file_, fmt::format("{}[{}]", path_, i));
  return parts;
}

std::string JsonPart::string() const {
  if (!value_->is_string()) fail("must be a string");
  return value_->get<std::string>();
}

bool JsonPart::boolean() const {
  if (!value_->is_boolean()) fail("must be true or false");
  return value_->get<bool>();
}

std::int64_t JsonPart::integer() const {
  if (!value_->is_number_integer()) fail("must be a whole number");
  if (value_->is_number_unsigned() && value_->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
    fail("is too large");
  }
  return value_->get<std::int64_t>();
}

std::string JsonPart::string(std::string_view name, std::string_view fallback) const {
  return has(name) ? at(name).string() : std::string(fallback);
}

bool JsonPart::boolean(std::string_view name, bool fallback) const { return has(name) ? at(name).boolean() : fallback; }

std::int64_t JsonPart::integer(std::string_view name, std::int64_t fallback) const {
  return has(name) ? at(name).integer() : fallback;
}

std::string JsonPart::type() const { return at("type").string(); }

}  // namespace cambium::text
