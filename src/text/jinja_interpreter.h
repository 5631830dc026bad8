#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja_runtime.h"
#include "text/jinja_syntax.h"

namespace cambium::text::jinja {

/// The variables of one function while it runs.
struct Activation {
  struct Variable {
    Value value;
    bool set = false;
  };
  Activation* parent = nullptr;
  std::vector<Variable> variables;
  bool captured = false;  ///< a macro made here may still be called when the function has ended
};

/// Runs a template's tree once.
class Interpreter final : public Runtime {
 public:
  /// @param context  the template's variables; globals of its options are added below them
  Interpreter(const Tree& tree, const Options& options, std::optional<DateTime> now, Ref<DictObject> context);

  /// The text. @throws TemplateError  with position() of what failed set where it is known
  [[nodiscard]] std::string run();

  /// Where the last operation began that could fail.
  [[nodiscard]] Position position() const { return position_; }
  /// Where `{% generation %}` blocks wrote: pairs of begin and end, in code points of the text.
  [[nodiscard]] const std::vector<std::pair<std::size_t, std::size_t>>& generated() const { return generated_; }

  /// Calls a macro or the body of a call block. @param closure  where it was made
  Value call_function(const Function& function, Activation& closure, Arguments arguments);
  /// Renders the body of a recursive loop for other items, one level deeper.
  Value call_loop(const For& loop, Activation& closure, const Value& items, std::int64_t depth);

 private:
  enum class Flow { kNext, kBreak, kContinue };

  // Statements.
  Flow execute(const Body& body);
  Flow execute(const Statement& statement);
  Flow execute_if(const If& node);
  Flow execute_for(const For& node);
  Flow execute_loop(const For& node, const Value& items, std::int64_t depth, Activation* closure);
  Flow execute_with(const With& node);
  Flow execute_autoescape(const Autoescape& node);
  Flow execute_set_block(const SetBlock& node);
  Flow execute_filter_block(const FilterBlock& node);
  void execute_call_block(const CallBlock& node);
  void execute_generation(const CallBlock& node);
  void execute_block(const Block& node);
  void execute_set(const Set& node);
  void print(const Value& value);
  void write(std::string_view text);
  /// Runs a body with its output kept apart. @param text  gets the output
  Flow capture(const Body& body, std::string& text);

  // Variables.
  void enter(const Scope& scope);
  void leave(const Scope& scope);
  [[nodiscard]] Activation::Variable& variable(Slot slot);
  [[nodiscard]] const Value* context_value(std::string_view name) const;
  void assign(const Target& target, Value value);
  void assign_attribute(const Target& target, Value value);
  void export_target(const Target& target);
  [[nodiscard]] Value make_function(const Function& function);
  [[nodiscard]] Ref<Iterator> filtered(const For& node, const Value& items);

  // Expressions.
  [[nodiscard]] Value evaluate(const Expression& expression);
  [[nodiscard]] Value evaluate_compound(const Compound& node);
  [[nodiscard]] Value evaluate_concat(const Compound& node);
  [[nodiscard]] Value evaluate_compare(const Compare& node);
  [[nodiscard]] Value evaluate_conditional(const Conditional& node);
  [[nodiscard]] Value evaluate_slice(const SliceOf& node);
  [[nodiscard]] Value evaluate_call(const Call& node, const Value* caller);
  [[nodiscard]] Value evaluate_filter(const FilterCall& node, const Value* input);
  [[nodiscard]] Value evaluate_test(const TestCall& node);
  [[nodiscard]] Arguments evaluate_arguments(const CallArguments& node);
  void at(Position position) { position_ = position; }

  const Tree& tree_;
  Ref<DictObject> context_;
  Ref<DictObject> globals_;
  Ref<DictObject> exported_;  // what the top level has assigned, for blocks
  const Block* block_ = nullptr;
  Activation root_;
  Activation* here_ = &root_;
  std::vector<std::unique_ptr<Activation>> kept_;
  std::string output_;
  std::string* out_ = &output_;
  Position position_;
  std::size_t counted_bytes_ = 0;
  std::size_t counted_points_ = 0;
  std::vector<std::pair<std::size_t, std::size_t>> generated_;

  friend class ConditionIterator;
};

/// The globals that templates with these options see.
[[nodiscard]] Ref<DictObject> make_globals(const Options& options);

}  // namespace cambium::text::jinja
