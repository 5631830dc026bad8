#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::model {

/// checkpoint::Json, without the weight of its header.
using Json = nlohmann::ordered_json;

/// Typed look-ups in one object of a config.json; a field that is absent or null counts as not given.
/// Every function throws CheckpointError (model, field, found, expected) for a value of another type.
class ConfigReader {
 public:
  ConfigReader(const Json& object, std::string_view where) : object_(object), where_(where) {}

  [[nodiscard]] bool has(std::string_view field) const;
  /// True if the field is written as null (some families give null a meaning of its own).
  [[nodiscard]] bool is_null(std::string_view field) const;
  [[nodiscard]] std::optional<double> number(std::string_view field) const;
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view field) const;
  [[nodiscard]] std::optional<bool> boolean(std::string_view field) const;
  [[nodiscard]] std::optional<std::string> text(std::string_view field) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view field) const;
  [[nodiscard]] std::vector<double> numbers(std::string_view field) const;
  /// The object in that field; an empty one if it is not given.
  [[nodiscard]] const Json& object(std::string_view field) const;

  [[nodiscard]] const Json& raw() const { return object_; }
  [[nodiscard]] const std::string& where() const { return where_; }
  [[noreturn]] void fail(std::string_view field, std::string_view expected) const;

 private:
  const Json& object_;
  std::string where_;
};

}  // namespace cambium::model
