#include "text/jinja_interpreter.h"

#include <fmt/format.h>

#include "text/jinja_loop.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

/// Puts a value in place as long as it lives, then the old one back.
template <class T>
class Replaced {
 public:
  Replaced(T& place, T value) : place_(place), before_(std::exchange(place, std::move(value))) {}
  ~Replaced() { place_ = std::move(before_); }
  Replaced(const Replaced&) = delete;
  Replaced& operator=(const Replaced&) = delete;

 private:
  T& place_;
  T before_;
};

}  // namespace

/// The items of a loop that meet its `if`.
class ConditionIterator final : public Iterator {
 public:
  ConditionIterator(Interpreter& interpreter, const For& node, Ref<Iterator> items, Activation* activation)
      : interpreter_(interpreter), node_(node), items_(std::move(items)), activation_(activation) {}

  bool next(Runtime& runtime, Value& value) override {
    const Replaced here(interpreter_.here_, activation_);
    if (!std::exchange(entered_, true)) interpreter_.enter(node_.condition_scope);
    for (Value item; items_->next(runtime, item);) {
      interpreter_.assign(node_.condition_target, item);
      if (!jinja::truthy(interpreter_.evaluate(*node_.condition))) continue;
      value = std::move(item);
      return true;
    }
    return false;
  }

 private:
  Interpreter& interpreter_;
  const For& node_;
  Ref<Iterator> items_;
  Activation* activation_;
  bool entered_ = false;
};

Interpreter::Interpreter(const Tree& tree, const Options& options, std::optional<DateTime> now, Ref<DictObject> context)
    : Runtime(options, now),
      tree_(tree),
      context_(std::move(context)),
      globals_(make_globals(options)),
      exported_(make<DictObject>()) {
  autoescape = options.autoescape;
  root_.variables.resize(tree.slot_count);
}

std::string Interpreter::run() {
  enter(tree_.scope);
  execute(tree_.body);
  return std::move(output_);
}

// -- variables
// ------------------------------------------------------------------------------------------------------------

Activation::Variable& Interpreter::variable(Slot slot) {
  Activation* activation = here_;
  for (std::uint32_t hop = 0; hop < slot.hops; ++hop) activation = activation->parent;
  return activation->variables[slot.index];
}

const Value* Interpreter::context_value(std::string_view name) const {
  if (const Value* value = exported_->find(name)) return value;
  if (const Value* value = context_->find(name)) return value;
  return globals_->find(name);
}

void Interpreter::enter(const Scope& scope) {
  for (const Load& load : scope.loads) {
    Activation::Variable& target = here_->variables[load.index];
    switch (load.from) {
      case Load::From::kNothing:
        target = {};
        break;
      case Load::From::kOuter:
        target = variable(load.outer);
        break;
      case Load::From::kContext: {
        const Value* value = context_value(load.name);
        target.set = value != nullptr;
        target.value = value != nullptr ? *value : Value();
      }
    }
  }
}

void Interpreter::leave(const Scope& scope) {
  for (const Load& load : scope.loads) here_->variables[load.index] = {};
}

void Interpreter::assign(const Target& target, Value value) {
  switch (target.kind) {
    case Target::Kind::kName:
      variable(target.slot) = {std::move(value), true};
      return;
    case Target::Kind::kAttribute:
      assign_attribute(target, std::move(value));
      return;
    case Target::Kind::kTuple:
      break;
  }
  at(target.at);
  if (!value.is_undefined() && !iterate_if_possible(value)) {
    throw TemplateError(ErrorKind::kType, fmt::format("cannot unpack non-iterable {} object", type_name(value)));
  }
  const Ref<Iterator> items = iterate(value);
  std::size_t got = 0;
  std::vector<Value> parts;
  for (Value item; items->next(*this, item); ++got) {
    if (got == target.parts.size()) {
      throw TemplateError(ErrorKind::kValue,
                          fmt::format("too many values to unpack (expected {})", target.parts.size()));
    }
    parts.push_back(std::move(item));
  }
  if (got < target.parts.size()) {
    throw TemplateError(ErrorKind::kValue,
                        fmt::format("not enough values to unpack (expected {}, got {})", target.parts.size(), got));
  }
  for (std::size_t i = 0; i < parts.size(); ++i) assign(target.parts[i], std::move(parts[i]));
}

void Interpreter::assign_attribute(const Target& target, Value value) {
  at(target.at);
  const Activation::Variable& owner = variable(target.slot);
  auto* space = owner.set ? owner.value.as<Namespace>() : nullptr;
  if (space == nullptr) throw TemplateError(ErrorKind::kRuntime, "cannot assign attribute on non-namespace object");
  if (options().chat_functions && target.attribute.starts_with('_')) {
    throw TemplateError(
        ErrorKind::kSecurity,
        fmt::format("a namespace may hold no attribute that begins with an underscore: '{}'", target.attribute));
  }
  space->attributes->set(target.attribute, std::move(value));
}

void Interpreter::export_target(const Target& target) {
  if (target.kind == Target::Kind::kName) exported_->set(target.name, variable(target.slot).value);
  for (const Target& part : target.parts) export_target(part);
}

// -- output
// ---------------------------------------------------------------------------------------------------------------

void Interpreter::write(std::string_view text) {
  budget().spend_text(out_->size() + text.size() > options().limits.max_text_bytes ? out_->size() + text.size()
                                                                                   : text.size());
  out_->append(text);
}

void Interpreter::print(const Value& value) {
  if (autoescape && !(value.is_string() && value.as_text().safe)) return write(escape_html(to_text(value, budget())));
  if (value.is_string()) return write(value.as_string());
  write(to_text(value, budget()));
}

Interpreter::Flow Interpreter::capture(const Body& body, std::string& text) {
  const Replaced out(out_, &text);
  return execute(body);
}

// -- statements
// -----------------------------------------------------------------------------------------------------------

Interpreter::Flow Interpreter::execute(const Body& body) {
  const Budget::Level level(budget());
  for (const StatementPtr& statement : body) {
    const Flow flow = execute(*statement);
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::execute(const Statement& statement) {
  budget().spend(1);
  switch (statement.kind) {
    case StatementKind::kText:
      write(static_cast<const Text&>(statement).text);
      return Flow::kNext;
    case StatementKind::kPrint: {
      const Value value = evaluate(*static_cast<const Print&>(statement).value);
      at(static_cast<const Print&>(statement).value->at);
      print(value);
      return Flow::kNext;
    }
    case StatementKind::kDo:
      static_cast<void>(evaluate(*static_cast<const Print&>(statement).value));
      return Flow::kNext;
    case StatementKind::kFor:
      return execute_for(static_cast<const For&>(statement));
    case StatementKind::kIf:
      return execute_if(static_cast<const If&>(statement));
    case StatementKind::kSet:
      execute_set(static_cast<const Set&>(statement));
      return Flow::kNext;
    case StatementKind::kSetBlock:
      return execute_set_block(static_cast<const SetBlock&>(statement));
    case StatementKind::kMacro: {
      const auto& node = static_cast<const Macro&>(statement);
      variable(node.slot) = {make_function(node.function), true};
      if (node.exported) exported_->set(node.function.name, variable(node.slot).value);
      return Flow::kNext;
    }
    case StatementKind::kCallBlock:
      execute_call_block(static_cast<const CallBlock&>(statement));
      return Flow::kNext;
    case StatementKind::kGeneration:
      execute_generation(static_cast<const CallBlock&>(statement));
      return Flow::kNext;
    case StatementKind::kFilterBlock:
      return execute_filter_block(static_cast<const FilterBlock&>(statement));
    case StatementKind::kWith:
      return execute_with(static_cast<const With&>(statement));
    case StatementKind::kAutoescape:
      return execute_autoescape(static_cast<const Autoescape&>(statement));
    case StatementKind::kBlock:
      execute_block(static_cast<const Block&>(statement));
      return Flow::kNext;
    case StatementKind::kBreak:
      return Flow::kBreak;
    case StatementKind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::execute_if(const If& node) {
  for (const auto& [condition, body] : node.branches) {
    const Value value = evaluate(*condition);
    at(condition->at);
    if (truthy(value)) return execute(body);
  }
  return execute(node.otherwise);
}

Ref<Iterator> Interpreter::filtered(const For& node, const Value& items) {
  Ref<Iterator> iterator = iterate(items);
  if (node.condition) return make<ConditionIterator>(*this, node, std::move(iterator), here_);
  return iterator;
}

Interpreter::Flow Interpreter::execute_for(const For& node) {
  const Value items = evaluate(*node.items);
  at(node.items->at);
  if (!node.recursive) return execute_loop(node, items, 0, nullptr);
  // A recursive loop is a function: a jump out of it ends only itself.
  print(call_loop(node, *here_, items, 0));
  return Flow::kNext;
}

Value Interpreter::call_loop(const For& node, Activation& closure, const Value& items, std::int64_t depth) {
  auto activation = std::make_unique<Activation>();
  activation->parent = &closure;
  activation->variables.resize(node.slot_count);
  std::string text;
  {
    const Replaced here(here_, activation.get());
    const Replaced out(out_, &text);
    execute_loop(node, items, depth, &closure);
  }
  if (activation->captured) kept_.push_back(std::move(activation));
  return this->text(std::move(text), autoescape);
}

Interpreter::Flow Interpreter::execute_loop(const For& node, const Value& items, std::int64_t depth,
                                            Activation* closure) {
  const Ref<Iterator> iterator = filtered(node, items);
  // With an `if` the loop's length is that of what passes it.
  const Ref<Loop> loop =
      make<Loop>(node.condition ? Value(Ref<Instance>(iterator)) : items, iterator, node, closure, depth);
  bool any = false;
  while (loop->advance(*this)) {
    budget().spend(1);
    any = true;
    if (node.uses_loop) here_->variables[node.loop_index] = {Value(Ref<Instance>(loop)), true};
    assign(node.target, loop->current());
    enter(node.body_scope);
    const Flow flow = execute(node.body);
    at(node.at);
    if (flow == Flow::kBreak) break;
  }
  leave(node.body_scope);
  if (any || node.otherwise.empty()) return Flow::kNext;
  enter(node.otherwise_scope);
  const Flow flow = execute(node.otherwise);
  leave(node.otherwise_scope);
  return flow;
}

Interpreter::Flow Interpreter::execute_with(const With& node) {
  enter(node.scope);
  for (const auto& [target, value] : node.assignments) assign(target, evaluate(*value));
  const Flow flow = execute(node.body);
  leave(node.scope);
  return flow;
}

Interpreter::Flow Interpreter::execute_autoescape(const Autoescape& node) {
  enter(node.scope);
  const Replaced escape(autoescape, truthy(evaluate(*node.value)));
  const Flow flow = execute(node.body);
  leave(node.scope);
  return flow;
}

void Interpreter::execute_set(const Set& node) {
  Value value = evaluate(*node.value);
  assign(node.target, std::move(value));
  if (node.exported) export_target(node.target);
}

Interpreter::Flow Interpreter::execute_set_block(const SetBlock& node) {
  enter(node.scope);
  std::string captured;
  const Flow flow = capture(node.body, captured);
  if (flow != Flow::kNext) return flow;
  Value value = text(std::move(captured), autoescape);
  if (node.filter) value = evaluate_filter(static_cast<const FilterCall&>(*node.filter), &value);
  if (autoescape && !(value.is_string() && value.as_text().safe)) value = text(to_text(value, budget()), true);
  assign(node.target, std::move(value));
  if (node.exported) export_target(node.target);
  leave(node.scope);
  return Flow::kNext;
}

Interpreter::Flow Interpreter::execute_filter_block(const FilterBlock& node) {
  enter(node.scope);
  std::string captured;
  const Flow flow = capture(node.body, captured);
  if (flow != Flow::kNext) return flow;
  const Value value = text(std::move(captured), autoescape);
  const Value result = evaluate_filter(static_cast<const FilterCall&>(*node.filter), &value);
  at(node.filter->at);
  print(result);
  leave(node.scope);
  return Flow::kNext;
}

void Interpreter::execute_call_block(const CallBlock& node) {
  const Value caller = make_function(node.function);
  const Value result = evaluate_call(static_cast<const Call&>(*node.call), &caller);
  at(node.call->at);
  print(result);
}

void Interpreter::execute_generation(const CallBlock& node) {
  // Code points written so far by the template itself: transformers counts those, also within a macro.
  counted_points_ += count_code_points(std::string_view(output_).substr(counted_bytes_));
  counted_bytes_ = output_.size();
  const std::size_t begin = counted_points_;
  const Value text = call_function(node.function, *here_, {});
  generated_.emplace_back(begin, begin + text.as_text().code_points());
  print(text);
}

void Interpreter::execute_block(const Block& node) {
  const Ref<DictObject> outside = exported_;
  if (node.scoped) {
    auto inside = make<DictObject>();
    for (const auto& [name, value] : exported_->entries()) inside->set(name.as_string(), value);
    for (const auto& [name, slot] : node.visible) {
      if (const Activation::Variable& seen = variable(slot); seen.set) inside->set(name, seen.value);
    }
    exported_ = inside;
  }
  auto activation = std::make_unique<Activation>();
  activation->variables.resize(node.slot_count);
  {
    const Replaced here(here_, activation.get());
    enter(node.scope);
    execute(node.body);
  }
  if (activation->captured) kept_.push_back(std::move(activation));
  exported_ = outside;
}

}  // namespace cambium::text::jinja
