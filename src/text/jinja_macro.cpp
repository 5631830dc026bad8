// Macros and the bodies of call blocks, as jinja_interpreter.h runs them.
#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_interpreter.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"

namespace cambium::text::jinja {
namespace {

/// A macro with the variables around it.
class MacroObject final : public Instance {
 public:
  MacroObject(const Function& function, Activation& closure) : function_(function), closure_(closure) {}
  [[nodiscard]] std::string_view type_name() const override { return "Macro"; }
  void append_text(std::string& out, Budget& budget) const override {
    budget.spend(1);
    out += fmt::format("<Macro '{}'>", function_.name);
  }
  [[nodiscard]] bool callable() const override { return true; }
  Value call(Runtime& runtime, Arguments arguments) override {
    return static_cast<Interpreter&>(runtime).call_function(function_, closure_, std::move(arguments));
  }
  std::optional<Value> attribute(Runtime& /*runtime*/, std::string_view name) override {
    if (name == "name") return Value::string(function_.name);
    if (name == "catch_kwargs") return Value::boolean(function_.kwargs_index.has_value());
    if (name == "catch_varargs") return Value::boolean(function_.varargs_index.has_value());
    if (name == "caller") return Value::boolean(function_.caller_index.has_value() || function_.caller_is_parameter);
    if (name == "arguments") {
      std::vector<Value> names;
      for (const std::string& parameter : function_.parameters) names.push_back(Value::string(parameter));
      return Value::tuple(std::move(names));
    }
    return std::nullopt;
  }

 private:
  const Function& function_;
  Activation& closure_;
};

// Takes a named argument off the list.
std::optional<Value> take_named(Arguments& arguments, std::string_view name) {
  const auto found = std::ranges::find(arguments.named, name, &std::pair<std::string, Value>::first);
  if (found == arguments.named.end()) return std::nullopt;
  Value value = std::move(found->second);
  arguments.named.erase(found);
  return value;
}

}  // namespace

Value Interpreter::make_function(const Function& function) {
  for (Activation* around = here_; around != nullptr && !around->captured; around = around->parent)
    around->captured = true;
  return Value(Ref<Instance>(make<MacroObject>(function, *here_)));
}

Value Interpreter::call_function(const Function& function, Activation& closure, Arguments arguments) {
  budget().spend(1 + function.slot_count);
  auto activation = std::make_unique<Activation>();
  activation->parent = &closure;
  activation->variables.resize(function.slot_count);
  const std::size_t count = function.parameters.size();
  const std::size_t positional = std::min(arguments.positional.size(), count);
  for (std::size_t i = 0; i < count; ++i) {
    Activation::Variable& parameter = activation->variables[function.parameter_index[i]];
    if (i < positional) {
      parameter = {arguments.positional[i], true};
    } else if (std::optional<Value> named = take_named(arguments, function.parameters[i])) {
      parameter = {*std::move(named), true};
    }
  }
  if (function.caller_index) {
    const std::optional<Value> caller = take_named(arguments, "caller");
    activation->variables[*function.caller_index] = {caller ? *caller : undefined("No caller defined"), true};
  }
  if (function.kwargs_index) {
    activation->variables[*function.kwargs_index] = {Value::dict(std::move(arguments.named)), true};
  } else if (!arguments.named.empty()) {
    if (arguments.named.front().first == "caller") {
      throw TemplateError(ErrorKind::kType, fmt::format("macro '{}' was invoked with two values for the special caller "
                                                        "argument or does not call its caller.",
                                                        function.name));
    }
    throw TemplateError(ErrorKind::kType, fmt::format("macro '{}' takes no keyword argument '{}'", function.name,
                                                      arguments.named.front().first));
  }
  if (function.varargs_index) {
    std::vector<Value> rest(arguments.positional.begin() + static_cast<std::ptrdiff_t>(positional),
                            arguments.positional.end());
    activation->variables[*function.varargs_index] = {Value::tuple(std::move(rest)), true};
  } else if (arguments.positional.size() > count) {
    throw TemplateError(ErrorKind::kType,
                        fmt::format("macro '{}' takes not more than {} argument(s)", function.name, count));
  }

  std::string text;
  Activation* const outside = std::exchange(here_, activation.get());
  std::string* const outside_text = std::exchange(out_, &text);
  struct Restore {
    Interpreter& interpreter;
    Activation* here;
    std::string* out;
    ~Restore() {
      interpreter.here_ = here;
      interpreter.out_ = out;
    }
  };
  {
    const Restore restore{*this, outside, outside_text};
    enter(function.scope);
    for (std::size_t i = 0; i < count; ++i) {
      Activation::Variable& parameter = activation->variables[function.parameter_index[i]];
      if (parameter.set) continue;
      const std::size_t first_default = count - function.defaults.size();
      Value value = i >= first_default
                        ? evaluate(*function.defaults[i - first_default])
                        : undefined(fmt::format("parameter '{}' was not provided", function.parameters[i]));
      activation->variables[function.parameter_index[i]] = {std::move(value), true};
    }
    execute(function.body);
  }
  if (activation->captured) kept_.push_back(std::move(activation));
  return this->text(std::move(text), autoescape);
}

}  // namespace cambium::text::jinja
