#include "text/jinja_loop.h"

#include <fmt/format.h>

#include "text/jinja_interpreter.h"
#include "text/jinja_operators.h"

namespace cambium::text::jinja {

bool Loop::advance(Runtime& runtime) {
  Value next;
  if (after_) {
    next = *std::move(after_);
    after_.reset();
  } else if (!iterator_->next(runtime, next)) {
    return false;
  }
  ++index0_;
  before_ = std::move(current_);
  current_ = std::move(next);
  return true;
}

bool Loop::peek(Runtime& runtime) {
  if (after_) return true;
  Value next;
  if (!iterator_->next(runtime, next)) return false;
  after_ = std::move(next);
  return true;
}

std::optional<std::int64_t> Loop::length(Runtime& runtime) {
  if (!length_) length_ = length_if_any(runtime, items_);
  if (!length_) {
    // A generator has to be run to its end; what it gives waits in a list.
    std::vector<Value> rest;
    for (Value item; iterator_->next(runtime, item);) rest.push_back(std::move(item));
    length_ = static_cast<std::int64_t>(rest.size()) + index0_ + 1 + (after_ ? 1 : 0);
    iterator_ = jinja::iterate(Value::list(std::move(rest)));
  }
  return length_;
}

void Loop::append_text(std::string& out, Budget& budget) const {
  budget.spend(1);
  out += fmt::format("<LoopContext {}>", index0_ + 1);
}

Value Loop::call(Runtime& runtime, Arguments arguments) {
  const Matched matched("loop", arguments, {"iterable"}, 1);
  if (closure_ == nullptr) {
    throw TemplateError(ErrorKind::kType, "The loop must have the 'recursive' marker to be called recursively.");
  }
  return static_cast<Interpreter&>(runtime).call_loop(node_, *closure_, matched[0], depth_ + 1);
}

Value Loop::cycle(Arguments& arguments) const {
  if (arguments.positional.empty()) throw TemplateError(ErrorKind::kType, "no items for cycling given");
  return arguments.positional[static_cast<std::size_t>(index0_) % arguments.positional.size()];
}

Value Loop::changed(Runtime& runtime, Arguments& arguments) {
  const Value now = Value::tuple(std::move(arguments.positional));
  if (last_changed_ && equal(*last_changed_, now, runtime.budget())) return Value::boolean(false);
  last_changed_ = now;
  return Value::boolean(true);
}

std::optional<Value> Loop::attribute(Runtime& runtime, std::string_view name) {
  if (name == "index") return Value::integer(index0_ + 1);
  if (name == "index0") return Value::integer(index0_);
  if (name == "first") return Value::boolean(index0_ == 0);
  if (name == "last") return Value::boolean(!peek(runtime));
  if (name == "length") return Value::integer(*length(runtime));
  if (name == "revindex") return Value::integer(*length(runtime) - index0_);
  if (name == "revindex0") return Value::integer(*length(runtime) - index0_ - 1);
  if (name == "depth") return Value::integer(depth_ + 1);
  if (name == "depth0") return Value::integer(depth_);
  if (name == "previtem") return index0_ == 0 ? runtime.undefined("there is no previous item") : before_;
  if (name == "nextitem") return peek(runtime) ? *after_ : runtime.undefined("there is no next item");
  const Value self{Ref<Instance>(this)};
  if (name == "cycle") {
    return Value(Ref<Instance>(make<BoundMethod>(self, "cycle", [](Runtime&, const Value& loop, Arguments& arguments) {
      return static_cast<Loop&>(loop.as_instance()).cycle(arguments);
    })));
  }
  if (name == "changed") {
    return Value(
        Ref<Instance>(make<BoundMethod>(self, "changed", [](Runtime& inner, const Value& loop, Arguments& arguments) {
          return static_cast<Loop&>(loop.as_instance()).changed(inner, arguments);
        })));
  }
  return std::nullopt;
}

}  // namespace cambium::text::jinja
