// The expressions of jinja_interpreter.h.
#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_attributes.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"

namespace cambium::text::jinja {

Value Interpreter::evaluate(const Expression& expression) {
  const Budget::Level level(budget());
  budget().spend(1);
  switch (expression.kind) {
    case ExpressionKind::kLiteral:
      return static_cast<const Literal&>(expression).value;
    case ExpressionKind::kName: {
      const auto& node = static_cast<const Name&>(expression);
      const Activation::Variable& found = variable(node.slot);
      return found.set ? found.value : undefined_name(node.name);
    }
    case ExpressionKind::kCompare:
      return evaluate_compare(static_cast<const Compare&>(expression));
    case ExpressionKind::kConditional:
      return evaluate_conditional(static_cast<const Conditional&>(expression));
    case ExpressionKind::kAttribute: {
      const auto& node = static_cast<const Attribute&>(expression);
      const Value owner = evaluate(*node.owner);
      at(node.at);
      return get_attribute(*this, owner, node.name);
    }
    case ExpressionKind::kItem: {
      const auto& node = static_cast<const Item&>(expression);
      const Value owner = evaluate(*node.owner);
      const Value key = evaluate(*node.key);
      at(node.at);
      return get_item(*this, owner, key);
    }
    case ExpressionKind::kSlice:
      return evaluate_slice(static_cast<const SliceOf&>(expression));
    case ExpressionKind::kCall:
      return evaluate_call(static_cast<const Call&>(expression), nullptr);
    case ExpressionKind::kFilter:
      return evaluate_filter(static_cast<const FilterCall&>(expression), nullptr);
    case ExpressionKind::kTest:
      return evaluate_test(static_cast<const TestCall&>(expression));
    default:
      return evaluate_compound(static_cast<const Compound&>(expression));
  }
}

Value Interpreter::evaluate_compound(const Compound& node) {
  switch (node.kind) {
    case ExpressionKind::kTuple:
    case ExpressionKind::kList: {
      std::vector<Value> items;
      items.reserve(node.parts.size());
      for (const ExpressionPtr& part : node.parts) items.push_back(evaluate(*part));
      return node.kind == ExpressionKind::kList ? Value::list(std::move(items)) : Value::tuple(std::move(items));
    }
    case ExpressionKind::kDict: {
      const auto dict = make<DictObject>();
      for (std::size_t i = 0; i < node.parts.size(); i += 2) {
        Value key = evaluate(*node.parts[i]);
        Value value = evaluate(*node.parts[i + 1]);
        at(node.parts[i]->at);
        dict->set(std::move(key), std::move(value), budget());
      }
      return Value(dict);
    }
    case ExpressionKind::kNegate: {
      const Value value = evaluate(*node.parts[0]);
      at(node.at);
      return negate(value);
    }
    case ExpressionKind::kPlus: {
      const Value value = evaluate(*node.parts[0]);
      at(node.at);
      return plus(value);
    }
    case ExpressionKind::kNot: {
      const Value value = evaluate(*node.parts[0]);
      at(node.at);
      return Value::boolean(!truthy(value));
    }
    case ExpressionKind::kAnd:
    case ExpressionKind::kOr: {
      Value left = evaluate(*node.parts[0]);
      at(node.at);
      if (truthy(left) == (node.kind == ExpressionKind::kOr)) return left;
      return evaluate(*node.parts[1]);
    }
    case ExpressionKind::kConcat:
      return evaluate_concat(node);
    default: {
      const Value left = evaluate(*node.parts[0]);
      const Value right = evaluate(*node.parts[1]);
      at(node.at);
      return apply(*this, node.operation, left, right);
    }
  }
}

Value Interpreter::evaluate_concat(const Compound& node) {
  std::vector<Value> parts;
  bool safe = false;
  for (const ExpressionPtr& part : node.parts) {
    parts.push_back(evaluate(*part));
    safe = safe || (autoescape && parts.back().is_string() && parts.back().as_text().safe);
  }
  at(node.at);
  std::string joined;
  for (const Value& part : parts) {
    if (safe && !(part.is_string() && part.as_text().safe)) {
      joined += escape_html(to_text(part, budget()));
    } else {
      append_text(joined, part, budget());
    }
  }
  return text(std::move(joined), safe);
}

Value Interpreter::evaluate_compare(const Compare& node) {
  Value left = evaluate(*node.first);
  for (const auto& [comparison, operand] : node.rest) {
    Value right = evaluate(*operand);
    at(node.at);
    if (!compare(*this, comparison, left, right)) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Interpreter::evaluate_conditional(const Conditional& node) {
  const Value condition = evaluate(*node.condition);
  at(node.at);
  if (truthy(condition)) return evaluate(*node.then);
  if (node.otherwise) return evaluate(*node.otherwise);
  // Lenient even where others are strict, as in Jinja2.
  return Value(make<UndefinedObject>(
      fmt::format("the inline if-expression on line {} evaluated to false and no else section was defined.",
                  node.at.line),
      UndefinedObject::Strictness::kLenient));
}

Value Interpreter::evaluate_slice(const SliceOf& node) {
  const Value owner = evaluate(*node.owner);
  const Value start = node.start ? evaluate(*node.start) : Value();
  const Value stop = node.stop ? evaluate(*node.stop) : Value();
  const Value step = node.step ? evaluate(*node.step) : Value();
  at(node.at);
  return slice(*this, owner, start, stop, step);
}

Arguments Interpreter::evaluate_arguments(const CallArguments& node) {
  Arguments arguments;
  arguments.positional.reserve(node.positional.size());
  for (const ExpressionPtr& argument : node.positional) arguments.positional.push_back(evaluate(*argument));
  for (const auto& [name, argument] : node.named) {
    const auto same = [&name = name](const auto& given) { return given.first == name; };
    if (std::ranges::any_of(arguments.named, same)) {
      at(argument->at);
      throw TemplateError(ErrorKind::kSyntax, fmt::format("keyword argument repeated: {}", name));
    }
    arguments.named.emplace_back(name, evaluate(*argument));
  }
  if (node.more_positional) {
    const Value more = evaluate(*node.more_positional);
    at(node.more_positional->at);
    for (Value& item : collect(*this, more)) arguments.positional.push_back(std::move(item));
  }
  if (node.more_named) {
    const Value more = evaluate(*node.more_named);
    at(node.more_named->at);
    if (!more.is_dict()) {
      throw TemplateError(ErrorKind::kType,
                          fmt::format("argument after ** must be a mapping, not {}", type_name(more)));
    }
    for (const auto& [key, value] : more.as_dict().entries()) {
      if (!key.is_string()) throw TemplateError(ErrorKind::kType, "keywords must be strings");
      const auto same = [&key = key](const auto& given) { return given.first == key.as_string(); };
      if (std::ranges::any_of(arguments.named, same)) {
        throw TemplateError(ErrorKind::kType,
                            fmt::format("got multiple values for keyword argument '{}'", key.as_string()));
      }
      arguments.named.emplace_back(key.as_string(), value);
    }
  }
  return arguments;
}

Value Interpreter::evaluate_call(const Call& node, const Value* caller) {
  if (node.callee->kind == ExpressionKind::kAttribute) {
    // A method of a built-in type is called without making a value of it first.
    const auto& attribute = static_cast<const Attribute&>(*node.callee);
    const Value owner = evaluate(*attribute.owner);
    const Method* method = find_method(owner, attribute.name);
    if (method != nullptr && (!method->mutates || options().allow_mutation) && caller == nullptr) {
      Arguments arguments = evaluate_arguments(node.arguments);
      at(node.at);
      return method->function(*this, owner, arguments);
    }
    at(attribute.at);
    const Value callee = get_attribute(*this, owner, attribute.name);
    Arguments arguments = evaluate_arguments(node.arguments);
    if (caller != nullptr) arguments.named.emplace_back("caller", *caller);
    at(node.at);
    return call(*this, callee, std::move(arguments));
  }
  const Value callee = evaluate(*node.callee);
  Arguments arguments = evaluate_arguments(node.arguments);
  if (caller != nullptr) arguments.named.emplace_back("caller", *caller);
  at(node.at);
  return call(*this, callee, std::move(arguments));
}

Value Interpreter::evaluate_filter(const FilterCall& node, const Value* input) {
  const Value subject = input != nullptr && !node.input ? *input
                        : node.input && node.input->kind == ExpressionKind::kFilter
                            ? evaluate_filter(static_cast<const FilterCall&>(*node.input), input)
                            : evaluate(*node.input);
  Arguments arguments = evaluate_arguments(node.arguments);
  at(node.at);
  if (node.filter == nullptr) throw TemplateError(ErrorKind::kRuntime, unknown_filter(options(), node.name));
  const Budget::Level level(budget());
  return node.filter->function(*this, subject, arguments);
}

Value Interpreter::evaluate_test(const TestCall& node) {
  const Value subject = evaluate(*node.input);
  Arguments arguments = evaluate_arguments(node.arguments);
  at(node.at);
  if (node.test == nullptr) throw TemplateError(ErrorKind::kRuntime, unknown_test(node.name));
  return Value::boolean(node.test->function(*this, subject, arguments));
}

}  // namespace cambium::text::jinja
