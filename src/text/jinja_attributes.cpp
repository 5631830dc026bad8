#include "text/jinja_attributes.h"

#include <algorithm>

#include "text/jinja_operators.h"
#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

// The item itself; nothing where Python raises TypeError or LookupError.
std::optional<Value> own_item(Runtime& runtime, const Value& owner, const Value& key) {
  switch (owner.type()) {
    case Type::kUndefined:
      owner.as_undefined().fail();
    case Type::kDict: {
      if (key.is(Type::kList) || key.is_dict()) return std::nullopt;
      const Value* found = owner.as_dict().find(key, runtime.budget());
      return found == nullptr ? std::nullopt : std::optional(*found);
    }
    case Type::kList:
    case Type::kTuple: {
      if (!key.is_integral()) return std::nullopt;
      const auto size = static_cast<std::int64_t>(owner.items().size());
      const std::int64_t index = key.as_int() < 0 ? key.as_int() + size : key.as_int();
      if (index < 0 || index >= size) return std::nullopt;
      return owner.items()[static_cast<std::size_t>(index)];
    }
    case Type::kString: {
      if (!key.is_integral()) return std::nullopt;
      const auto size = static_cast<std::int64_t>(owner.as_text().code_points());
      const std::int64_t index = key.as_int() < 0 ? key.as_int() + size : key.as_int();
      if (index < 0 || index >= size) return std::nullopt;
      const std::string& text = owner.as_string();
      std::size_t end = byte_offset(text, static_cast<std::size_t>(index));
      const std::size_t begin = end;
      static_cast<void>(next_code_point(text, end));
      return Value::string(text.substr(begin, end - begin), owner.as_text().safe);
    }
    case Type::kObject:
      return owner.as_instance().item(runtime, key);
    default:
      return std::nullopt;
  }
}

std::span<const Method> methods_of(const Value& owner) {
  switch (owner.type()) {
    case Type::kString:
      return string_methods();
    case Type::kList:
      return list_methods();
    case Type::kTuple:
      return tuple_methods();
    case Type::kDict:
      return dict_methods();
    case Type::kBool:
    case Type::kInt:
    case Type::kFloat:
      return number_methods();
    default:
      return {};
  }
}

std::optional<Value> plain_attribute(const Value& owner, std::string_view name) {
  if (owner.is(Type::kTuple)) {
    const auto names = owner.as_sequence().field_names;
    const auto found = std::ranges::find(names, name);
    if (found != names.end()) return owner.items()[static_cast<std::size_t>(found - names.begin())];
  }
  if (owner.is_integral()) {
    if (name == "real" || name == "numerator") return Value::integer(owner.as_int());
    if (name == "imag") return Value::integer(0);
    if (name == "denominator") return Value::integer(1);
  }
  if (owner.is(Type::kFloat)) {
    if (name == "real") return owner;
    if (name == "imag") return Value::real(0);
  }
  return std::nullopt;
}

}  // namespace

const Method* find_method(const Value& owner, std::string_view name) {
  const std::span<const Method> methods = methods_of(owner);
  const auto found = std::ranges::lower_bound(methods, name, {}, &Method::name);
  return found != methods.end() && found->name == name ? &*found : nullptr;
}

std::optional<Value> own_attribute(Runtime& runtime, const Value& owner, std::string_view name) {
  if (owner.is_undefined()) owner.as_undefined().fail();
  // What Python keeps behind double underscores every object has, and none is for templates.
  if (name.starts_with("__") && name.ends_with("__")) return runtime.forbidden_attribute(owner, name);
  if (owner.is(Type::kObject)) {
    std::optional<Value> found = owner.as_instance().attribute(runtime, name);
    if (found && name.starts_with('_')) return runtime.forbidden_attribute(owner, name);
    return found;
  }
  if (const Method* method = find_method(owner, name)) {
    if (method->mutates && !runtime.options().allow_mutation) return runtime.forbidden_attribute(owner, name);
    return Value(Ref<Instance>(make<BoundMethod>(owner, method->name, method->function)));
  }
  return plain_attribute(owner, name);
}

Value get_attribute(Runtime& runtime, const Value& owner, std::string_view name) {
  if (std::optional<Value> found = own_attribute(runtime, owner, name)) return *std::move(found);
  if (owner.is_dict()) {
    const Value* found = owner.as_dict().find(name);
    if (found != nullptr) return *found;
  }
  const Value key = Value::string(std::string(name));
  if (owner.is(Type::kObject)) {
    if (std::optional<Value> found = owner.as_instance().item(runtime, key)) return *std::move(found);
  }
  return runtime.undefined_member(owner, key);
}

Value get_item(Runtime& runtime, const Value& owner, const Value& key) {
  if (std::optional<Value> found = own_item(runtime, owner, key)) return *std::move(found);
  if (key.is_string()) {
    if (std::optional<Value> found = own_attribute(runtime, owner, key.as_string())) return *std::move(found);
  }
  return runtime.undefined_member(owner, key);
}

}  // namespace cambium::text::jinja
