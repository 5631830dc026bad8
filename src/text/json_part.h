#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/json.h"

namespace cambium::text {

using checkpoint::Json;

/// A value inside a tokenizer file together with where it stands, so that every complaint names file and field:
/// "FILE: normalizer.normalizers[1].pattern: must be ...".
class JsonPart {
 public:
  JsonPart(const Json& value, std::string_view file, std::string path)
      : value_(&value), file_(file), path_(std::move(path)) {}

  [[nodiscard]] const Json& value() const { return *value_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string_view file() const { return file_; }
  [[nodiscard]] bool is_null() const { return value_->is_null(); }

  [[noreturn]] void fail(std::string_view message) const;
  /// Refuses an unknown name in this place and lists the known ones.
  [[noreturn]] void unknown(std::string_view what, std::string_view name,
                            const std::vector<std::string_view>& known) const;

  /// True if there is a member of this name that is not null.
  [[nodiscard]] bool has(std::string_view name) const;
  /// The member; it must be there.
  [[nodiscard]] JsonPart at(std::string_view name) const;
  /// The elements of a list.
  [[nodiscard]] std::vector<JsonPart> items() const;

  /// This value, which must be of the kind.
  [[nodiscard]] std::string string() const;
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::int64_t integer() const;

  /// A member of the kind; it must be there.
  [[nodiscard]] std::string string(std::string_view name) const { return at(name).string(); }
  /// A member of the kind, or the fallback if it is absent or null.
  [[nodiscard]] std::string string(std::string_view name, std::string_view fallback) const;
  [[nodiscard]] bool boolean(std::string_view name, bool fallback) const;
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t fallback) const;

  /// The member "type" of an object that describes a part.
  [[nodiscard]] std::string type() const;

 private:
  const Json* value_;
  std::string_view file_;
  std::string path_;
};

}  // namespace cambium::text
