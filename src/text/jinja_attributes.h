#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "text/jinja_objects.h"
#include "text/jinja_value.h"

namespace cambium::text::jinja {

/// One method of a built-in type.
struct Method {
  std::string_view name;
  BoundMethod::Method function;
  bool mutates = false;  ///< only where Options::allow_mutation
};

// Sorted by name.
[[nodiscard]] std::span<const Method> string_methods();
[[nodiscard]] std::span<const Method> list_methods();
[[nodiscard]] std::span<const Method> tuple_methods();
[[nodiscard]] std::span<const Method> dict_methods();
[[nodiscard]] std::span<const Method> number_methods();

/// The method of that name of the value's type, or null.
[[nodiscard]] const Method* find_method(const Value& owner, std::string_view name);

/// getattr(owner, name) as the sandbox permits it; nothing if there is no such attribute.
/// @throws TemplateError  the owner is undefined
[[nodiscard]] std::optional<Value> own_attribute(Runtime& runtime, const Value& owner, std::string_view name);

/// owner.name: the attribute, else the item of that name, else undefined.
[[nodiscard]] Value get_attribute(Runtime& runtime, const Value& owner, std::string_view name);

/// owner[key]: the item, else (for a text key) the attribute, else undefined.
[[nodiscard]] Value get_item(Runtime& runtime, const Value& owner, const Value& key);

}  // namespace cambium::text::jinja
