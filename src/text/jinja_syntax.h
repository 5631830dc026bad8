#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja_error.h"
#include "text/jinja_filters.h"
#include "text/jinja_operators.h"
#include "text/jinja_value.h"

// The syntax tree of a template. Names carry the slot that jinja_scope.h has found for them.
namespace cambium::text::jinja {

/// Where a variable lives at run time: `hops` functions up from where it is used, then its place there.
struct Slot {
  std::uint32_t hops = 0;
  std::uint32_t index = 0;
};

/// What a scope does with one of its variables when it is entered.
struct Load {
  enum class From { kContext, kOuter, kNothing };
  From from = From::kNothing;
  std::uint32_t index = 0;  ///< the variable, in the scope's own function
  Slot outer;               ///< kOuter: the variable of that name around it
  std::string name;         ///< kContext: looked up in the template's variables
};

/// The variables of one scope; those that are parameters are set by whoever enters it.
struct Scope {
  std::vector<Load> loads;
};

enum class ExpressionKind : std::uint8_t {
  kLiteral,
  kName,
  kTuple,
  kList,
  kDict,
  kNegate,
  kPlus,
  kNot,
  kBinary,
  kAnd,
  kOr,
  kCompare,
  kConcat,
  kConditional,
  kAttribute,
  kItem,
  kSlice,
  kCall,
  kFilter,
  kTest,
};

struct Expression {
  Expression(ExpressionKind its_kind, Position position) : kind(its_kind), at(position) {}
  Expression(const Expression&) = delete;
  Expression& operator=(const Expression&) = delete;
  virtual ~Expression() = default;
  const ExpressionKind kind;
  std::uint16_t height = 1;  ///< levels of expressions below, itself included
  Position at;
};
using ExpressionPtr = std::unique_ptr<Expression>;

struct Literal final : Expression {
  Literal(Value literal, Position position)
      : Expression(ExpressionKind::kLiteral, position), value(std::move(literal)) {}
  Value value;
};

struct Name final : Expression {
  Name(std::string spelling, Position position)
      : Expression(ExpressionKind::kName, position), name(std::move(spelling)) {}
  std::string name;
  Slot slot;
};

/// Tuple, list, dict (keys and values in turn), operands of `~`, of a unary or binary operator, of `and` and `or`.
struct Compound final : Expression {
  using Expression::Expression;
  std::vector<ExpressionPtr> parts;
  BinaryOperator operation = BinaryOperator::kAdd;  ///< of kBinary
};

/// a < b <= c ...
struct Compare final : Expression {
  explicit Compare(Position position) : Expression(ExpressionKind::kCompare, position) {}
  ExpressionPtr first;
  std::vector<std::pair<Comparison, ExpressionPtr>> rest;
};

/// then if condition else otherwise
struct Conditional final : Expression {
  explicit Conditional(Position position) : Expression(ExpressionKind::kConditional, position) {}
  ExpressionPtr condition;
  ExpressionPtr then;
  ExpressionPtr otherwise;  ///< null: undefined
};

/// owner.name
struct Attribute final : Expression {
  explicit Attribute(Position position) : Expression(ExpressionKind::kAttribute, position) {}
  ExpressionPtr owner;
  std::string name;
};

/// owner[key]
struct Item final : Expression {
  explicit Item(Position position) : Expression(ExpressionKind::kItem, position) {}
  ExpressionPtr owner;
  ExpressionPtr key;
};

/// owner[start:stop:step], each bound null if absent
struct SliceOf final : Expression {
  explicit SliceOf(Position position) : Expression(ExpressionKind::kSlice, position) {}
  ExpressionPtr owner;
  ExpressionPtr start;
  ExpressionPtr stop;
  ExpressionPtr step;
};

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr more_positional;  ///< *list, or null
  ExpressionPtr more_named;       ///< **dict, or null
};

struct Call final : Expression {
  explicit Call(Position position) : Expression(ExpressionKind::kCall, position) {}
  ExpressionPtr callee;
  CallArguments arguments;
};

/// input | name(arguments); the input is null in `{% filter %}` and `{% set x | filter %}`.
struct FilterCall final : Expression {
  explicit FilterCall(Position position) : Expression(ExpressionKind::kFilter, position) {}
  ExpressionPtr input;
  std::string name;
  const Filter* filter = nullptr;  ///< null: unknown, which matters only when it runs
  CallArguments arguments;
};

/// input is name(arguments)
struct TestCall final : Expression {
  explicit TestCall(Position position) : Expression(ExpressionKind::kTest, position) {}
  ExpressionPtr input;
  std::string name;
  const Test* test = nullptr;  ///< null: unknown
  CallArguments arguments;
};

/// Calls `visit` with each direct sub-expression, in the order of evaluation.
void for_each_child(const Expression& expression, const std::function<void(Expression&)>& visit);

// -- statements
// -----------------------------------------------------------------------------------------------------------

enum class StatementKind : std::uint8_t {
  kText,
  kPrint,
  kFor,
  kIf,
  kSet,
  kSetBlock,
  kMacro,
  kCallBlock,
  kFilterBlock,
  kWith,
  kBlock,
  kAutoescape,
  kGeneration,
  kBreak,
  kContinue,
  kDo,
};

struct Statement {
  Statement(StatementKind its_kind, Position position) : kind(its_kind), at(position) {}
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  virtual ~Statement() = default;
  const StatementKind kind;
  Position at;
};
using StatementPtr = std::unique_ptr<Statement>;
using Body = std::vector<StatementPtr>;

struct Text final : Statement {
  Text(std::string contents, Position position)
      : Statement(StatementKind::kText, position), text(std::move(contents)) {}
  std::string text;
};

/// {{ value }}, or {% do value %}
struct Print final : Statement {
  Print(StatementKind its_kind, ExpressionPtr printed, Position position)
      : Statement(its_kind, position), value(std::move(printed)) {}
  ExpressionPtr value;
};

/// {% break %}, {% continue %}
struct Jump final : Statement {
  using Statement::Statement;
};

/// What `for`, `set` and `with` assign to: a name, an attribute of a namespace, or a tuple of such.
struct Target {
  enum class Kind { kName, kAttribute, kTuple };
  Kind kind = Kind::kName;
  Position at;
  std::string name;
  Slot slot;
  std::string attribute;
  std::vector<Target> parts;
};

struct For final : Statement {
  explicit For(Position position) : Statement(StatementKind::kFor, position) {}
  Target target;
  ExpressionPtr items;
  ExpressionPtr condition;  ///< null: none
  bool recursive = false;
  Body body;
  Body otherwise;
  // Filled in by the resolution of names:
  bool uses_loop = false;
  std::uint32_t loop_index = 0;  ///< slot of `loop`
  Target condition_target;       ///< the target as the condition sees it
  Scope body_scope;
  Scope condition_scope;
  Scope otherwise_scope;
  std::uint32_t slot_count = 0;  ///< of a recursive loop, which is a function of its own
};

struct If final : Statement {
  explicit If(Position position) : Statement(StatementKind::kIf, position) {}
  std::vector<std::pair<ExpressionPtr, Body>> branches;
  Body otherwise;
};

struct Set final : Statement {
  explicit Set(Position position) : Statement(StatementKind::kSet, position) {}
  Target target;
  ExpressionPtr value;
  bool exported = false;  ///< at the top level: blocks see it
};

struct SetBlock final : Statement {
  explicit SetBlock(Position position) : Statement(StatementKind::kSetBlock, position) {}
  Target target;
  ExpressionPtr filter;  ///< null: none
  Body body;
  Scope scope;
  bool exported = false;
};

/// A macro, or the body of a call block.
struct Function {
  std::string name;
  std::vector<std::string> parameters;
  std::vector<ExpressionPtr> defaults;  ///< of the last parameters
  Body body;
  Scope scope;
  std::vector<std::uint32_t> parameter_index;
  std::optional<std::uint32_t> caller_index;  ///< where the body uses them
  std::optional<std::uint32_t> kwargs_index;
  std::optional<std::uint32_t> varargs_index;
  bool caller_is_parameter = false;
  std::uint32_t slot_count = 0;
};

struct Macro final : Statement {
  explicit Macro(Position position) : Statement(StatementKind::kMacro, position) {}
  Function function;
  Slot slot;
  bool exported = false;
};

/// {% call(x) macro(...) %}; also {% generation %}, which calls nothing.
struct CallBlock final : Statement {
  using Statement::Statement;
  Function function;
  ExpressionPtr call;  ///< null in a generation block
};

struct FilterBlock final : Statement {
  explicit FilterBlock(Position position) : Statement(StatementKind::kFilterBlock, position) {}
  ExpressionPtr filter;
  Body body;
  Scope scope;
};

struct With final : Statement {
  explicit With(Position position) : Statement(StatementKind::kWith, position) {}
  std::vector<std::pair<Target, ExpressionPtr>> assignments;
  Body body;
  Scope scope;
};

/// {% block name %}: rendered where it stands, with the template's own variables.
struct Block final : Statement {
  explicit Block(Position position) : Statement(StatementKind::kBlock, position) {}
  std::string name;
  bool scoped = false;
  Body body;
  Scope scope;
  std::vector<std::pair<std::string, Slot>> visible;  ///< of a scoped block: the variables around it
  std::uint32_t slot_count = 0;
};

struct Autoescape final : Statement {
  explicit Autoescape(Position position) : Statement(StatementKind::kAutoescape, position) {}
  ExpressionPtr value;
  Body body;
  Scope scope;
};

/// A whole template.
struct Tree {
  Body body;
  Scope scope;
  std::uint32_t slot_count = 0;
};

}  // namespace cambium::text::jinja
