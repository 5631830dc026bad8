#include "text/jinja_pretty.h"

#include <algorithm>

#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

constexpr std::size_t kWidth = 80;

// Keys in order; pprint falls back to the order of type names where keys have none, which mixed keys never need here.
Value with_sorted_keys(const Value& value, Budget& budget) {
  const Budget::Level level(budget);
  budget.spend(1);
  if (value.is_sequence()) {
    std::vector<Value> items;
    for (const Value& item : value.items()) items.push_back(with_sorted_keys(item, budget));
    return value.is(Type::kList) ? Value::list(std::move(items)) : Value::tuple(std::move(items));
  }
  if (!value.is_dict()) return value;
  std::vector<DictObject::Entry> entries = value.as_dict().entries();
  const bool texts = std::ranges::all_of(entries, [](const auto& entry) { return entry.first.is_string(); });
  if (texts) std::ranges::stable_sort(entries, {}, [](const auto& entry) { return entry.first.as_string(); });
  const auto sorted = make<DictObject>();
  for (auto& [key, item] : entries) sorted->set(key, with_sorted_keys(item, budget), budget);
  return Value(sorted);
}

void write(std::string& out, const Value& value, std::size_t indent, std::size_t behind, Budget& budget) {
  const Budget::Level level(budget);
  std::string flat;
  append_repr(flat, value, budget);
  const bool container = value.is_sequence() || value.is_dict();
  if (!container || count_code_points(flat) + indent + behind <= kWidth) {
    out += flat;
    return;
  }
  const std::string margin(indent + 1, ' ');
  const bool tuple = value.is(Type::kTuple);
  out += value.is_dict() ? '{' : tuple ? '(' : '[';
  const std::size_t count = value.is_dict() ? value.as_dict().size() : value.items().size();
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += ",\n" + margin;
    const std::size_t closing = i + 1 == count ? behind + 1 : 1;
    if (value.is_dict()) {
      const auto& [key, item] = value.as_dict().entries()[i];
      std::string shown;
      append_repr(shown, key, budget);
      out += shown + ": ";
      write(out, item, indent + 1 + count_code_points(shown) + 2, closing, budget);
    } else {
      write(out, value.items()[i], indent + 1, closing, budget);
    }
  }
  if (tuple && count == 1) out += ',';
  out += value.is_dict() ? '}' : tuple ? ')' : ']';
}

}  // namespace

std::string pretty(const Value& value, Budget& budget) {
  std::string out;
  write(out, with_sorted_keys(value, budget), 0, 0, budget);
  return out;
}

}  // namespace cambium::text::jinja
