// The methods of list, tuple, dict and of numbers.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "text/jinja_attributes.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"
#include "text/jinja_sort.h"

namespace cambium::text::jinja {
namespace {

[[noreturn]] void fail_lookup(std::string message) { throw TemplateError(ErrorKind::kLookup, std::move(message)); }

// A container that held itself would never be freed, nor could it be printed.
void refuse_cycle(Runtime& runtime, const Value& container, const Value& added) {
  runtime.budget().spend(1);
  const Budget::Level level(runtime.budget());
  if (added.same_as(container)) throw TemplateError(ErrorKind::kValue, "a container may not be put into itself");
  if (added.is_sequence()) {
    for (const Value& item : added.items()) refuse_cycle(runtime, container, item);
  } else if (added.is_dict()) {
    for (const auto& [key, item] : added.as_dict().entries()) refuse_cycle(runtime, container, item);
  }
}

// -- list
// -----------------------------------------------------------------------------------------------------------------

Value count(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("count", arguments, {"value"}, 1);
  std::int64_t found = 0;
  for (const Value& item : self.items()) found += equal(item, matched[0], runtime.budget()) ? 1 : 0;
  return Value::integer(found);
}

Value index(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("index", arguments, {"value", "start", "stop"}, 1);
  const auto size = static_cast<std::int64_t>(self.items().size());
  const auto place = [&](std::size_t parameter, std::int64_t fallback) {
    const std::int64_t position = matched.integer(parameter, fallback);
    return std::clamp<std::int64_t>(position < 0 ? position + size : position, 0, size);
  };
  for (std::int64_t i = place(1, 0); i < place(2, size); ++i) {
    if (equal(self.items()[static_cast<std::size_t>(i)], matched[0], runtime.budget())) return Value::integer(i);
  }
  std::string shown;
  append_repr(shown, matched[0], runtime.budget());
  throw TemplateError(ErrorKind::kValue, shown + " is not in list");
}

Value list_copy(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("copy", arguments, {});
  return runtime.list(self.items());
}

Value append(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("append", arguments, {"object"}, 1);
  refuse_cycle(runtime, self, matched[0]);
  self.as_sequence().items.push_back(matched[0]);
  return {};
}

Value extend(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("extend", arguments, {"iterable"}, 1);
  std::vector<Value> added = collect(runtime, matched[0]);
  for (const Value& item : added) refuse_cycle(runtime, self, item);
  auto& items = self.as_sequence().items;
  items.insert(items.end(), added.begin(), added.end());
  return {};
}

Value insert(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("insert", arguments, {"index", "object"}, 2);
  refuse_cycle(runtime, self, matched[1]);
  auto& items = self.as_sequence().items;
  const auto size = static_cast<std::int64_t>(items.size());
  const std::int64_t position = matched.integer(0) < 0 ? matched.integer(0) + size : matched.integer(0);
  runtime.budget().spend(1 + items.size() / 16);
  items.insert(items.begin() + std::clamp<std::int64_t>(position, 0, size), matched[1]);
  return {};
}

Value list_pop(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("pop", arguments, {"index"});
  auto& items = self.as_sequence().items;
  const auto size = static_cast<std::int64_t>(items.size());
  const std::int64_t given = matched.integer(0, -1);
  const std::int64_t position = given < 0 ? given + size : given;
  if (items.empty()) fail_lookup("pop from empty list");
  if (position < 0 || position >= size) fail_lookup("pop index out of range");
  runtime.budget().spend(1 + items.size() / 16);
  Value item = items[static_cast<std::size_t>(position)];
  items.erase(items.begin() + position);
  return item;
}

Value remove(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("remove", arguments, {"value"}, 1);
  auto& items = self.as_sequence().items;
  const auto found =
      std::ranges::find_if(items, [&](const Value& item) { return equal(item, matched[0], runtime.budget()); });
  if (found == items.end()) throw TemplateError(ErrorKind::kValue, "list.remove(x): x not in list");
  items.erase(found);
  return {};
}

Value list_clear(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  const Matched matched("clear", arguments, {});
  self.as_sequence().items.clear();
  return {};
}

Value reverse(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("reverse", arguments, {});
  runtime.budget().spend(self.items().size());
  std::ranges::reverse(self.as_sequence().items);
  return {};
}

Value sort(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("sort", arguments, {"reverse"});
  auto& items = self.as_sequence().items;
  items = sorted(items, items, matched.flag(0), runtime.budget());
  return {};
}

// -- dict
// -----------------------------------------------------------------------------------------------------------------

Value view(const Value& self, Arguments& arguments, std::string_view name, DictView::Part part) {
  const Matched matched(name, arguments, {});
  return Value(Ref<Instance>(make<DictView>(Ref<DictObject>(&self.as_dict()), part)));
}

Value keys(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  return view(self, arguments, "keys", DictView::Part::kKeys);
}

Value values(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  return view(self, arguments, "values", DictView::Part::kValues);
}

Value items(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  return view(self, arguments, "items", DictView::Part::kItems);
}

Value get(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("get", arguments, {"key", "default"}, 1);
  const Value* found = self.as_dict().find(matched[0], runtime.budget());
  return found != nullptr ? *found : matched[1];
}

Ref<DictObject> copied(Runtime& runtime, const Value& self) {
  auto copy = make<DictObject>();
  for (const auto& [key, value] : self.as_dict().entries()) copy->set(key, value, runtime.budget());
  return copy;
}

Value dict_copy(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("copy", arguments, {});
  return Value(copied(runtime, self));
}

Value update(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Ref<DictObject> added = dict_from_arguments(runtime, "update", arguments);
  for (const auto& [key, value] : added->entries()) {
    refuse_cycle(runtime, self, value);
    self.as_dict().set(key, value, runtime.budget());
  }
  return {};
}

Value setdefault(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("setdefault", arguments, {"key", "default"}, 1);
  const Value* found = self.as_dict().find(matched[0], runtime.budget());
  if (found != nullptr) return *found;
  refuse_cycle(runtime, self, matched[1]);
  self.as_dict().set(matched[0], matched[1], runtime.budget());
  return matched[1];
}

Value dict_pop(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("pop", arguments, {"key", "default"}, 1);
  const Value* found = self.as_dict().find(matched[0], runtime.budget());
  if (found == nullptr) {
    if (matched.has(1)) return matched[1];
    std::string shown;
    append_repr(shown, matched[0], runtime.budget());
    fail_lookup(std::move(shown));
  }
  Value value = *found;
  runtime.budget().spend(self.as_dict().size());
  self.as_dict().erase(matched[0], runtime.budget());
  return value;
}

Value popitem(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("popitem", arguments, {});
  if (self.as_dict().size() == 0) fail_lookup("popitem(): dictionary is empty");
  const auto [key, value] = self.as_dict().entries().back();
  runtime.budget().spend(self.as_dict().size());
  self.as_dict().erase(key, runtime.budget());
  return Value::tuple({key, value});
}

Value dict_clear(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  const Matched matched("clear", arguments, {});
  self.as_dict().clear();
  return {};
}

// -- numbers
// --------------------------------------------------------------------------------------------------------------

Value bit_length(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  const Matched matched("bit_length", arguments, {});
  if (!self.is_integral()) throw TemplateError(ErrorKind::kType, "'float' object has no attribute 'bit_length'");
  const std::int64_t value = self.as_int();
  const std::uint64_t size = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  return Value::integer(static_cast<std::int64_t>(std::bit_width(size)));
}

Value is_integer(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  const Matched matched("is_integer", arguments, {});
  if (self.is_integral()) return Value::boolean(true);
  return Value::boolean(std::isfinite(self.as_float()) && std::floor(self.as_float()) == self.as_float());
}

}  // namespace

std::span<const Method> list_methods() {
  static constexpr std::array<Method, 11> kMethods{{
      {"append", append, true},
      {"clear", list_clear, true},
      {"copy", list_copy},
      {"count", count},
      {"extend", extend, true},
      {"index", index},
      {"insert", insert, true},
      {"pop", list_pop, true},
      {"remove", remove, true},
      {"reverse", reverse, true},
      {"sort", sort, true},
  }};
  static_assert(std::ranges::is_sorted(kMethods, {}, &Method::name));
  return kMethods;
}

std::span<const Method> tuple_methods() {
  static constexpr std::array<Method, 2> kMethods{{{"count", count}, {"index", index}}};
  return kMethods;
}

std::span<const Method> dict_methods() {
  static constexpr std::array<Method, 10> kMethods{{
      {"clear", dict_clear, true},
      {"copy", dict_copy},
      {"get", get},
      {"items", items},
      {"keys", keys},
      {"pop", dict_pop, true},
      {"popitem", popitem, true},
      {"setdefault", setdefault, true},
      {"update", update, true},
      {"values", values},
  }};
  static_assert(std::ranges::is_sorted(kMethods, {}, &Method::name));
  return kMethods;
}

std::span<const Method> number_methods() {
  static constexpr std::array<Method, 2> kMethods{{{"bit_length", bit_length}, {"is_integer", is_integer}}};
  return kMethods;
}

}  // namespace cambium::text::jinja
