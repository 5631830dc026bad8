// len(), iter(), reversed() and slices of jinja_operators.h.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

class SequenceIterator final : public Iterator {
 public:
  explicit SequenceIterator(Value sequence) : sequence_(std::move(sequence)) {}
  [[nodiscard]] std::string_view type_name() const override {
    return sequence_.is(Type::kList) ? "list_iterator" : "tuple_iterator";
  }
  bool next(Runtime& runtime, Value& value) override {
    if (index_ >= sequence_.items().size()) return false;
    runtime.budget().spend(1);
    value = sequence_.items()[index_++];
    return true;
  }

 private:
  Value sequence_;
  std::size_t index_ = 0;
};

class BackwardsIterator final : public Iterator {
 public:
  BackwardsIterator(std::vector<Value> items, std::string_view type_name)
      : items_(std::move(items)), type_name_(type_name) {}
  [[nodiscard]] std::string_view type_name() const override { return type_name_; }
  bool next(Runtime& runtime, Value& value) override {
    if (items_.empty()) return false;
    runtime.budget().spend(1);
    value = std::move(items_.back());
    items_.pop_back();
    return true;
  }

 private:
  std::vector<Value> items_;
  std::string_view type_name_;
};

class CharacterIterator final : public Iterator {
 public:
  explicit CharacterIterator(Value text) : text_(std::move(text)) {}
  [[nodiscard]] std::string_view type_name() const override { return "str_iterator"; }
  bool next(Runtime& runtime, Value& value) override {
    const std::string& text = text_.as_string();
    if (position_ >= text.size()) return false;
    runtime.budget().spend(1);
    const std::size_t begin = position_;
    static_cast<void>(next_code_point(text, position_));
    value = Value::string(text.substr(begin, position_ - begin));
    return true;
  }

 private:
  Value text_;
  std::size_t position_ = 0;
};

class EmptyIterator final : public Iterator {
 public:
  bool next(Runtime& /*runtime*/, Value& /*value*/) override { return false; }
};

// The positions that a Python slice selects.
struct Selection {
  std::int64_t first = 0;
  std::int64_t step = 1;
  std::int64_t count = 0;
};

std::int64_t bound(const Value& value, std::string_view what) {
  if (value.is_undefined()) value.as_undefined().fail();
  if (!value.is_integral()) {
    throw TemplateError(ErrorKind::kType,
                        fmt::format("slice indices must be integers or None, not {} ({})", type_name(value), what));
  }
  return value.as_int();
}

Selection select(std::int64_t length, const Value& start, const Value& stop, const Value& step_value) {
  Selection selection;
  if (!step_value.is_none()) selection.step = bound(step_value, "step");
  if (selection.step == 0) throw TemplateError(ErrorKind::kValue, "slice step cannot be zero");
  // A step beyond the length selects at most one item; this keeps the arithmetic below from overflowing.
  selection.step = std::clamp(selection.step, -length - 1, length + 1);
  const bool forwards = selection.step > 0;
  const std::int64_t lowest = forwards ? 0 : -1;
  const std::int64_t highest = forwards ? length : length - 1;
  const auto place = [&](const Value& value, std::int64_t fallback, std::string_view what) {
    if (value.is_none()) return fallback;
    std::int64_t position = bound(value, what);
    if (position < 0) position = position < -length ? lowest : position + length;
    return std::clamp(position, lowest, highest);
  };
  selection.first = place(start, forwards ? lowest : highest, "start");
  const std::int64_t end = place(stop, forwards ? highest : lowest, "stop");
  if (forwards && selection.first < end) selection.count = (end - selection.first - 1) / selection.step + 1;
  if (!forwards && selection.first > end) selection.count = (selection.first - end - 1) / -selection.step + 1;
  return selection;
}

Value slice_text(Runtime& runtime, const Value& value, const Selection& selection) {
  const std::string& text = value.as_string();
  const bool safe = value.as_text().safe;
  if (selection.count == 0) return Value::string("", safe);
  if (selection.step == 1) {
    const std::size_t begin = value.as_text().code_points() == text.size()
                                  ? static_cast<std::size_t>(selection.first)
                                  : byte_offset(text, static_cast<std::size_t>(selection.first));
    const std::string_view rest = std::string_view(text).substr(begin);
    const std::size_t bytes = value.as_text().code_points() == text.size()
                                  ? static_cast<std::size_t>(selection.count)
                                  : byte_offset(rest, static_cast<std::size_t>(selection.count));
    return runtime.text(std::string(rest.substr(0, bytes)), safe);
  }
  const std::u32string in = to_code_points(text);
  std::u32string out;
  std::int64_t at = selection.first;
  for (std::int64_t i = 0; i < selection.count; ++i, at += selection.step) out += in[static_cast<std::size_t>(at)];
  return runtime.text(to_utf8(out), safe);
}

}  // namespace

std::optional<std::int64_t> length_if_any(Runtime& runtime, const Value& value) {
  switch (value.type()) {
    case Type::kUndefined:
      if (value.as_undefined().strict) value.as_undefined().fail();
      return 0;
    case Type::kString:
      return static_cast<std::int64_t>(value.as_text().code_points());
    case Type::kTuple:
    case Type::kList:
      return static_cast<std::int64_t>(value.items().size());
    case Type::kDict:
      return static_cast<std::int64_t>(value.as_dict().size());
    case Type::kObject:
      return value.as_instance().length(runtime);
    default:
      return std::nullopt;
  }
}

std::int64_t length(Runtime& runtime, const Value& value) {
  const std::optional<std::int64_t> found = length_if_any(runtime, value);
  if (!found) throw TemplateError(ErrorKind::kType, fmt::format("object of type '{}' has no len()", type_name(value)));
  return *found;
}

Ref<Iterator> iterate_if_possible(const Value& value) {
  switch (value.type()) {
    case Type::kUndefined:
      if (value.as_undefined().strict) value.as_undefined().fail();
      return make<EmptyIterator>();
    case Type::kString:
      return make<CharacterIterator>(value);
    case Type::kTuple:
    case Type::kList:
      return make<SequenceIterator>(value);
    case Type::kDict:
      return make<DictView>(Ref<DictObject>(&value.as_dict()), DictView::Part::kKeys)->iterate();
    case Type::kObject:
      return value.as_instance().iterate();
    default:
      return {};
  }
}

Ref<Iterator> iterate(const Value& value) {
  Ref<Iterator> iterator = iterate_if_possible(value);
  if (!iterator) throw TemplateError(ErrorKind::kType, fmt::format("'{}' object is not iterable", type_name(value)));
  return iterator;
}

std::vector<Value> collect(Runtime& runtime, const Value& value) {
  if (value.is_sequence()) {
    runtime.budget().spend(value.items().size());
    return value.items();
  }
  std::vector<Value> items;
  const Ref<Iterator> iterator = iterate(value);
  for (Value item; iterator->next(runtime, item);) items.push_back(std::move(item));
  return items;
}

Ref<Iterator> iterate_backwards(const Value& value) {
  std::vector<Value> items;
  if (value.is_sequence()) {
    const std::string_view name = value.is(Type::kList) ? "list_reverseiterator" : "reversed";
    return make<BackwardsIterator>(value.items(), name);
  }
  if (value.is_dict()) {
    for (const auto& [key, unused] : value.as_dict().entries()) items.push_back(key);
    return make<BackwardsIterator>(std::move(items), "dict_reversekeyiterator");
  }
  if (const auto* view = value.as<DictView>()) {
    for (std::size_t i = 0; i < view->dict->size(); ++i) items.push_back(view->at(i));
    return make<BackwardsIterator>(std::move(items), "dict_reverseiterator");
  }
  if (const auto* range = value.as<Range>()) {
    for (std::int64_t i = 0; i < range->size(); ++i) items.push_back(Value::integer(range->at(i)));
    return make<BackwardsIterator>(std::move(items), "range_iterator");
  }
  if (value.is_string()) {
    const std::string& text = value.as_string();
    for (std::size_t position = 0; position < text.size();) {
      const std::size_t begin = position;
      static_cast<void>(next_code_point(text, position));
      items.push_back(Value::string(text.substr(begin, position - begin)));
    }
    return make<BackwardsIterator>(std::move(items), "reversed");
  }
  return {};
}

Value slice(Runtime& runtime, const Value& value, const Value& start, const Value& stop, const Value& step) {
  if (value.is_undefined()) value.as_undefined().fail();
  if (value.is_string()) {
    const auto size = static_cast<std::int64_t>(value.as_text().code_points());
    return slice_text(runtime, value, select(size, start, stop, step));
  }
  if (value.is_sequence()) {
    const std::vector<Value>& items = value.items();
    const Selection selection = select(static_cast<std::int64_t>(items.size()), start, stop, step);
    runtime.budget().spend(static_cast<std::size_t>(selection.count));
    std::vector<Value> chosen;
    chosen.reserve(static_cast<std::size_t>(selection.count));
    std::int64_t at = selection.first;
    for (std::int64_t i = 0; i < selection.count; ++i, at += selection.step) {
      chosen.push_back(items[static_cast<std::size_t>(at)]);
    }
    return value.is(Type::kList) ? Value::list(std::move(chosen)) : Value::tuple(std::move(chosen));
  }
  if (const auto* range = value.as<Range>()) {
    const Selection selection = select(range->size(), start, stop, step);
    std::int64_t first = range->start;
    std::int64_t stride = 1;
    std::int64_t stop_at = first;
    // Beyond 64 bits only where a range has at most one item left, whose stride no one can see.
    if (selection.count > 0) first = range->at(selection.first);
    if (__builtin_mul_overflow(range->step, selection.step, &stride)) stride = 1;
    if (__builtin_add_overflow(first, selection.count * stride, &stop_at)) stop_at = first + selection.count;
    return Value(Ref<Instance>(make<Range>(first, stop_at, stride)));
  }
  if (value.is_dict()) throw TemplateError(ErrorKind::kType, "unhashable type: 'slice'");
  throw TemplateError(ErrorKind::kType, fmt::format("'{}' object is not subscriptable", type_name(value)));
}

}  // namespace cambium::text::jinja
