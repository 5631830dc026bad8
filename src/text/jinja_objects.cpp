#include "text/jinja_objects.h"

#include <fmt/format.h>

#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"

namespace cambium::text::jinja {
namespace {

class RangeIterator final : public Iterator {
 public:
  explicit RangeIterator(Ref<Range> range) : range_(std::move(range)) {}
  [[nodiscard]] std::string_view type_name() const override { return "range_iterator"; }
  bool next(Runtime& runtime, Value& value) override {
    if (index_ == range_->size()) return false;
    runtime.budget().spend(1);
    value = Value::integer(range_->at(index_++));
    return true;
  }

 private:
  Ref<Range> range_;
  std::int64_t index_ = 0;
};

class DictViewIterator final : public Iterator {
 public:
  explicit DictViewIterator(Ref<DictView> view) : view_(std::move(view)) {}
  [[nodiscard]] std::string_view type_name() const override { return "dict_iterator"; }
  bool next(Runtime& runtime, Value& value) override {
    if (index_ >= view_->dict->size()) return false;
    runtime.budget().spend(1);
    value = view_->at(index_++);
    return true;
  }

 private:
  Ref<DictView> view_;
  std::size_t index_ = 0;
};

}  // namespace

void Instance::append_text(std::string& out, Budget& budget) const {
  budget.spend(1);
  out += fmt::format("<{} object>", type_name());
}

Value Instance::call(Runtime& /*runtime*/, Arguments /*arguments*/) {
  throw TemplateError(ErrorKind::kType, fmt::format("'{}' object is not callable", type_name()));
}

std::optional<Value> Instance::attribute(Runtime& /*runtime*/, std::string_view /*name*/) { return std::nullopt; }
std::optional<Value> Instance::item(Runtime& /*runtime*/, const Value& /*key*/) { return std::nullopt; }
std::optional<std::int64_t> Instance::length(Runtime& /*runtime*/) { return std::nullopt; }
Ref<Iterator> Instance::iterate() { return {}; }
bool Instance::equals(const Instance& other, Budget& /*budget*/) const { return this == &other; }

std::int64_t Range::size() const {
  if (step > 0 ? start >= stop : start <= stop) return 0;
  const auto distance = [](std::int64_t from, std::int64_t to) {
    return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
  };
  const std::uint64_t span = step > 0 ? distance(start, stop) : distance(stop, start);
  const std::uint64_t stride = step > 0 ? static_cast<std::uint64_t>(step) : distance(step, 0);
  const std::uint64_t count = (span - 1) / stride + 1;
  return count > static_cast<std::uint64_t>(INT64_MAX) ? INT64_MAX : static_cast<std::int64_t>(count);
}

void Range::append_text(std::string& out, Budget& budget) const {
  budget.spend(1);
  out += step == 1 ? fmt::format("range({}, {})", start, stop) : fmt::format("range({}, {}, {})", start, stop, step);
}

std::optional<Value> Range::attribute(Runtime& /*runtime*/, std::string_view name) {
  if (name == "start") return Value::integer(start);
  if (name == "stop") return Value::integer(stop);
  if (name == "step") return Value::integer(step);
  return std::nullopt;
}

std::optional<Value> Range::item(Runtime& /*runtime*/, const Value& key) {
  if (!key.is_integral()) return std::nullopt;
  const std::int64_t index = key.as_int() < 0 ? key.as_int() + size() : key.as_int();
  if (index < 0 || index >= size()) return std::nullopt;
  return Value::integer(at(index));
}

std::optional<std::int64_t> Range::length(Runtime& /*runtime*/) { return size(); }
Ref<Iterator> Range::iterate() { return make<RangeIterator>(Ref<Range>(this)); }

bool Range::equals(const Instance& other, Budget& /*budget*/) const {
  const auto* range = dynamic_cast<const Range*>(&other);
  if (range == nullptr || size() != range->size()) return false;
  return size() == 0 || (start == range->start && (size() == 1 || step == range->step));
}

std::string_view DictView::type_name() const {
  return part == Part::kKeys ? "dict_keys" : part == Part::kValues ? "dict_values" : "dict_items";
}

void DictView::append_text(std::string& out, Budget& budget) const {
  out += type_name();
  out += "([";
  for (std::size_t i = 0; i < dict->size(); ++i) {
    if (i > 0) out += ", ";
    append_repr(out, at(i), budget);
  }
  out += "])";
}

std::optional<std::int64_t> DictView::length(Runtime& /*runtime*/) { return static_cast<std::int64_t>(dict->size()); }
Ref<Iterator> DictView::iterate() { return make<DictViewIterator>(Ref<DictView>(this)); }

Value DictView::at(std::size_t index) const {
  const auto& [key, value] = dict->entries()[index];
  return part == Part::kKeys ? key : part == Part::kValues ? value : Value::tuple({key, value});
}

void Namespace::append_text(std::string& out, Budget& budget) const {
  out += "<Namespace ";
  append_repr(out, Value(attributes), budget);
  out += '>';
}

std::optional<Value> Namespace::attribute(Runtime& /*runtime*/, std::string_view name) {
  const Value* value = attributes->find(name);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

void NativeFunction::append_text(std::string& out, Budget& budget) const {
  budget.spend(1);
  out += fmt::format("<function {}>", name_);
}

Value NativeFunction::call(Runtime& runtime, Arguments arguments) { return function_(runtime, arguments); }

std::optional<Value> NativeFunction::attribute(Runtime& /*runtime*/, std::string_view name) {
  if (name_ != "dict" || name != "fromkeys") return std::nullopt;
  return Value(Ref<Instance>(make<NativeFunction>("fromkeys", [](Runtime& runtime, Arguments& arguments) {
    const Matched matched("fromkeys", arguments, {"iterable", "value"}, 1);
    const auto dict = make<DictObject>();
    for (const Value& key : collect(runtime, matched[0])) dict->set(key, matched[1], runtime.budget());
    return Value(dict);
  })));
}

void BoundMethod::append_text(std::string& out, Budget& budget) const {
  budget.spend(1);
  out += fmt::format("<built-in method {} of {} object>", name_, jinja::type_name(self_));
}

Value BoundMethod::call(Runtime& runtime, Arguments arguments) { return method_(runtime, self_, arguments); }

std::optional<Value> Cycler::attribute(Runtime& /*runtime*/, std::string_view name) {
  const Value self{Ref<Instance>(this)};
  if (name == "current") return current();
  if (name == "next") {
    return Value(Ref<Instance>(make<BoundMethod>(self, "next", [](Runtime&, const Value& owner, Arguments& arguments) {
      const Matched matched("next", arguments, {});
      auto& me = static_cast<Cycler&>(owner.as_instance());
      Value item = me.current();
      me.advance();
      return item;
    })));
  }
  if (name == "reset") {
    return Value(Ref<Instance>(make<BoundMethod>(self, "reset", [](Runtime&, const Value& owner, Arguments& arguments) {
      const Matched matched("reset", arguments, {});
      static_cast<Cycler&>(owner.as_instance()).reset();
      return Value();
    })));
  }
  return std::nullopt;
}

Value Joiner::call(Runtime& /*runtime*/, Arguments arguments) {
  const Matched matched("joiner", arguments, {});
  if (std::exchange(used_, true)) return separator_;
  return Value::string("");
}

}  // namespace cambium::text::jinja
