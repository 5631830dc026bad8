// Filters that take a sequence apart or put it in order.
#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_filters.h"
#include "text/jinja_item_path.h"
#include "text/jinja_lazy.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"
#include "text/jinja_sort.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

Value batch(Runtime& /*runtime*/, const Value& input, Arguments& arguments) {
  const Matched matched("batch", arguments, {"linecount", "fill_with"}, 1);
  const std::int64_t size = matched.integer(0);
  return lazy([items = iterate(input), size, fill = matched[1]](Runtime& runtime, Value& value) {
    std::vector<Value> row;
    // As the reference: a batch is closed when its size is met exactly, so sizes below 1 give one batch.
    Value item;
    while ((row.empty() || static_cast<std::int64_t>(row.size()) != size) && items->next(runtime, item)) {
      row.push_back(std::move(item));
    }
    if (row.empty()) return false;
    while (!fill.is_none() && static_cast<std::int64_t>(row.size()) < size) {
      runtime.budget().spend(1);
      row.push_back(fill);
    }
    value = runtime.list(std::move(row));
    return true;
  });
}

Value slice_columns(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("slice", arguments, {"slices", "fill_with"}, 1);
  const std::int64_t slices = matched.integer(0);
  if (slices == 0) throw TemplateError(ErrorKind::kZeroDivision, "integer division or modulo by zero");
  const std::vector<Value> items = collect(runtime, input);
  const auto size = static_cast<std::int64_t>(items.size());
  std::vector<Value> columns;
  std::int64_t begin = 0;
  for (std::int64_t i = 0; i < slices; ++i) {
    runtime.budget().spend(1);
    const bool extra = i < size % slices;
    const std::int64_t end = begin + size / slices + (extra ? 1 : 0);
    std::vector<Value> column(items.begin() + begin, items.begin() + end);
    if (!matched[1].is_none() && !extra) column.push_back(matched[1]);
    columns.push_back(runtime.list(std::move(column)));
    begin = end;
  }
  return lazy([all = iterate(Value::list(std::move(columns)))](Runtime& inner, Value& value) {
    return all->next(inner, value);
  });
}

Value count_items(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("length", arguments, {});
  return Value::integer(length(runtime, input));
}

Value dictsort(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("dictsort", arguments, {"case_sensitive", "by", "reverse"});
  const std::string by = matched.has(1) ? matched.text(1) : "key";
  if (by != "key" && by != "value") {
    throw TemplateError(ErrorKind::kRuntime, "You can only sort by either \"key\" or \"value\"");
  }
  if (input.is_undefined()) input.as_undefined().fail();
  if (!input.is_dict())
    throw TemplateError(ErrorKind::kType, fmt::format("dictsort needs a dict, not {}", type_name(input)));
  std::vector<Value> items;
  std::vector<Value> keys;
  for (const auto& [key, value] : input.as_dict().entries()) {
    items.push_back(Value::tuple({key, value}));
    keys.push_back(folded(runtime, by == "key" ? key : value, matched.flag(0)));
  }
  return runtime.list(sorted(items, keys, matched.flag(2), runtime.budget()));
}

Value first(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("first", arguments, {});
  Value item;
  if (iterate(input)->next(runtime, item)) return item;
  return runtime.undefined("No first item, sequence was empty.");
}

Value last(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("last", arguments, {});
  if (input.is_undefined()) return runtime.undefined("No last item, sequence was empty.");
  const Ref<Iterator> items = iterate_backwards(input);
  if (!items) throw TemplateError(ErrorKind::kType, fmt::format("'{}' object is not reversible", type_name(input)));
  Value item;
  if (items->next(runtime, item)) return item;
  return runtime.undefined("No last item, sequence was empty.");
}

Value groupby(Runtime& runtime, const Value& input, Arguments& arguments) {
  static constexpr std::string_view kFields[] = {"grouper", "list"};
  const Matched matched("groupby", arguments, {"attribute", "default", "case_sensitive"}, 1);
  const ItemPath path(matched[0]);
  const std::vector<Value> items = collect(runtime, input);
  std::vector<Value> keys;
  std::vector<Value> order;
  for (const Value& item : items) {
    order.push_back(Value::integer(static_cast<std::int64_t>(order.size())));
    keys.push_back(folded(runtime, path.of(runtime, item, matched[1]), matched.flag(2)));
  }
  std::vector<Value> groups;
  const Value* open = nullptr;
  for (const Value& number : sorted(order, keys, false, runtime.budget())) {
    const auto i = static_cast<std::size_t>(number.as_int());
    if (open == nullptr || !equal(*open, keys[i], runtime.budget())) {
      Value group = Value::tuple({path.of(runtime, items[i], matched[1]), Value::list({})});
      group.as_sequence().field_names = kFields;
      groups.push_back(std::move(group));
      open = &keys[i];
    }
    groups.back().items()[1].as_sequence().items.push_back(items[i]);
  }
  return runtime.list(std::move(groups));
}

Value items_of(Runtime& /*runtime*/, const Value& input, Arguments& arguments) {
  const Matched matched("items", arguments, {});
  return lazy([input, pairs = Ref<Iterator>()](Runtime& runtime, Value& value) mutable {
    if (input.is_undefined()) return false;
    if (!input.is_dict()) throw TemplateError(ErrorKind::kType, "Can only get item pairs from a mapping.");
    if (!pairs) pairs = make<DictView>(Ref<DictObject>(&input.as_dict()), DictView::Part::kItems)->iterate();
    return pairs->next(runtime, value);
  });
}

Value join(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("join", arguments, {"d", "attribute"});
  const ItemPath path(matched[1]);
  const auto is_safe = [](const Value& value) { return value.is_string() && value.as_text().safe; };
  std::vector<Value> parts;
  const Ref<Iterator> items = iterate(input);
  for (Value item; items->next(runtime, item);) parts.push_back(path.of(runtime, item));
  bool safe = false;
  if (runtime.autoescape) safe = is_safe(matched[0]) || std::ranges::any_of(parts, is_safe);
  const auto text = [&](const Value& value) {
    std::string plain = to_text(value, runtime.budget());
    return safe && !is_safe(value) ? escape_html(plain) : plain;
  };
  const std::string separator = matched.has(0) ? text(matched[0]) : "";
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += text(parts[i]);
    runtime.budget().spend_text(out.size() > runtime.options().limits.max_text_bytes ? out.size() : separator.size());
  }
  return runtime.text(std::move(out), safe);
}

Value list(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("list", arguments, {});
  return Value::list(collect(runtime, input));
}

Value extreme(Runtime& runtime, const Value& input, Arguments& arguments, bool greatest) {
  const Matched matched(greatest ? "max" : "min", arguments, {"case_sensitive", "attribute"});
  const ItemPath path(matched[1]);
  const Ref<Iterator> items = iterate(input);
  Value best;
  if (!items->next(runtime, best)) return runtime.undefined("No aggregated item, sequence was empty.");
  Value best_key = folded(runtime, path.of(runtime, best), matched.flag(0));
  for (Value item; items->next(runtime, item);) {
    Value key = folded(runtime, path.of(runtime, item), matched.flag(0));
    const bool better = greatest ? less(best_key, key, runtime.budget()) : less(key, best_key, runtime.budget());
    if (!better) continue;
    best = std::move(item);
    best_key = std::move(key);
  }
  return best;
}

Value maximum(Runtime& runtime, const Value& input, Arguments& arguments) {
  return extreme(runtime, input, arguments, true);
}

Value minimum(Runtime& runtime, const Value& input, Arguments& arguments) {
  return extreme(runtime, input, arguments, false);
}

Value reverse_items(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("reverse", arguments, {});
  if (input.is_string()) return slice(runtime, input, Value(), Value(), Value::integer(-1));
  if (input.is_undefined()) return Value(Ref<Instance>(iterate(input)));
  if (const Ref<Iterator> items = iterate_backwards(input)) return Value(Ref<Instance>(items));
  if (!iterate_if_possible(input)) throw TemplateError(ErrorKind::kRuntime, "argument must be iterable");
  std::vector<Value> items = collect(runtime, input);
  std::ranges::reverse(items);
  return runtime.list(std::move(items));
}

Value sort_items(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("sort", arguments, {"reverse", "case_sensitive", "attribute"});
  std::vector<ItemPath> paths;
  if (matched[2].is_string()) {
    const std::string_view all = matched[2].as_string();
    for (std::size_t begin = 0; begin <= all.size();) {
      const std::size_t end = std::min(all.find(',', begin), all.size());
      paths.emplace_back(Value::string(std::string(all.substr(begin, end - begin))));
      begin = end + 1;
    }
  } else {
    paths.emplace_back(matched[2]);
  }
  const std::vector<Value> items = collect(runtime, input);
  std::vector<Value> keys;
  for (const Value& item : items) {
    std::vector<Value> key;
    for (const ItemPath& path : paths) key.push_back(folded(runtime, path.of(runtime, item), matched.flag(1)));
    keys.push_back(Value::list(std::move(key)));
  }
  return runtime.list(sorted(items, keys, matched.flag(0), runtime.budget()));
}

Value sum(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("sum", arguments, {"attribute", "start"});
  const ItemPath path(matched[0]);
  Value total = matched.has(1) ? matched[1] : Value::integer(0);
  if (total.is_string()) throw TemplateError(ErrorKind::kType, "sum() can't sum strings [use ''.join(seq) instead]");
  const Ref<Iterator> items = iterate(input);
  for (Value item; items->next(runtime, item);) {
    total = apply(runtime, BinaryOperator::kAdd, total, path.of(runtime, item));
  }
  return total;
}

Value unique(Runtime& /*runtime*/, const Value& input, Arguments& arguments) {
  const Matched matched("unique", arguments, {"case_sensitive", "attribute"});
  return lazy([items = iterate(input), path = ItemPath(matched[1]), sensitive = matched.flag(0),
               seen = make<DictObject>()](Runtime& runtime, Value& value) {
    for (Value item; items->next(runtime, item);) {
      Value key = folded(runtime, path.of(runtime, item), sensitive);
      if (seen->find(key, runtime.budget()) != nullptr) continue;
      seen->set(std::move(key), Value(), runtime.budget());
      value = std::move(item);
      return true;
    }
    return false;
  });
}

}  // namespace

ItemPath::ItemPath(const Value& attribute) {
  if (attribute.is_none()) return;
  if (!attribute.is_string()) {
    steps_.push_back(attribute);
    return;
  }
  const std::string_view all = attribute.as_string();
  for (std::size_t begin = 0; begin <= all.size();) {
    const std::size_t end = std::min(all.find('.', begin), all.size());
    const std::string part(all.substr(begin, end - begin));
    const bool number = !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
    steps_.push_back(number ? Value::integer_from_digits(part) : Value::string(part));
    begin = end + 1;
  }
}

std::span<const Filter> sequence_filters() {
  static constexpr Filter kFilters[] = {
      {"batch", batch},           {"count", count_items},   {"dictsort", dictsort}, {"first", first},
      {"groupby", groupby},       {"items", items_of},      {"join", join},         {"last", last},
      {"length", count_items},    {"list", list},           {"max", maximum},       {"min", minimum},
      {"reverse", reverse_items}, {"slice", slice_columns}, {"sort", sort_items},   {"sum", sum},
      {"unique", unique},
  };
  return kFilters;
}

}  // namespace cambium::text::jinja
