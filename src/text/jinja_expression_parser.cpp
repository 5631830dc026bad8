#include "text/jinja_expression_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace cambium::text::jinja {
namespace {

// Deeper trees would need too much stack; no template comes near.
constexpr int kMaxDepth = 450;
constexpr int kMaxHeight = 400;

bool is_any_name(const Token& token, std::initializer_list<std::string_view> names) {
  return token.kind == TokenKind::kName && std::ranges::find(names, token.text) != names.end();
}

}  // namespace

// -- tokens
// ---------------------------------------------------------------------------------------------------------------

ExpressionParser::Level::Level(ExpressionParser& parser) : parser_(parser) {
  if (parser_.depth_ >= kMaxDepth)
    parser_.fail(fmt::format("nested more than {} deep", kMaxDepth), parser_.current().at);
  ++parser_.depth_;
}

const Token& ExpressionParser::take() {
  const Token& token = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool ExpressionParser::take_if_name(std::string_view name) {
  if (!current().is_name(name)) return false;
  take();
  return true;
}

bool ExpressionParser::take_if_operator(std::string_view symbol) {
  if (!current().is_operator(symbol)) return false;
  take();
  return true;
}

const Token& ExpressionParser::expect_name() {
  if (current().kind != TokenKind::kName) fail_expected("name");
  return take();
}

void ExpressionParser::expect_name(std::string_view name) {
  if (!take_if_name(name)) fail_expected(name);
}

void ExpressionParser::expect_operator(std::string_view symbol) {
  if (!take_if_operator(symbol)) fail_expected(symbol);
}

void ExpressionParser::expect(TokenKind kind) {
  if (current().kind != kind) fail_expected(describe({.kind = kind, .text = {}, .number = {}, .at = {}}));
  take();
}

void ExpressionParser::fail(std::string message, Position at) const {
  throw TemplateError(ErrorKind::kSyntax, std::move(message), at, name_);
}

void ExpressionParser::fail_expected(std::string_view what) const {
  if (current().kind == TokenKind::kEnd)
    fail(fmt::format("unexpected end of template, expected '{}'.", what), current().at);
  fail(fmt::format("expected token '{}', got '{}'", what, describe(current())), current().at);
}

template <class T>
ExpressionPtr ExpressionParser::finished(std::unique_ptr<T> node) const {
  int height = 1;
  for_each_child(*node, [&](const Expression& child) { height = std::max(height, child.height + 1); });
  if (height > kMaxHeight) fail(fmt::format("an expression of more than {} levels", kMaxHeight), node->at);
  node->height = static_cast<std::uint16_t>(height);
  return node;
}

ExpressionPtr ExpressionParser::compound(ExpressionKind kind, Position at, ExpressionPtr left,
                                         ExpressionPtr right) const {
  auto node = std::make_unique<Compound>(kind, at);
  node->parts.push_back(std::move(left));
  if (right) node->parts.push_back(std::move(right));
  return finished(std::move(node));
}

// -- operators, from the loosest binding to the tightest
// ------------------------------------------------------------------

ExpressionPtr ExpressionParser::parse_expression(bool with_condition) {
  const Level level(*this);
  return with_condition ? parse_condition() : parse_or();
}

ExpressionPtr ExpressionParser::parse_condition() {
  const std::size_t known_before = unknown_.size();
  ExpressionPtr node = parse_or();
  while (current().is_name("if")) {
    auto conditional = std::make_unique<Conditional>(take().at);
    conditional->condition = parse_or();
    conditional->then = std::move(node);
    if (take_if_name("else")) conditional->otherwise = parse_expression();
    node = finished(std::move(conditional));
    unknown_.resize(known_before, {});
  }
  return node;
}

void ExpressionParser::refuse_unknown() const {
  if (!unknown_.empty()) fail(unknown_.front().first, unknown_.front().second);
}

ExpressionPtr ExpressionParser::parse_or() {
  ExpressionPtr node = parse_and();
  while (current().is_name("or")) {
    const Position at = take().at;
    node = compound(ExpressionKind::kOr, at, std::move(node), parse_and());
  }
  return node;
}

ExpressionPtr ExpressionParser::parse_and() {
  ExpressionPtr node = parse_not();
  while (current().is_name("and")) {
    const Position at = take().at;
    node = compound(ExpressionKind::kAnd, at, std::move(node), parse_not());
  }
  return node;
}

ExpressionPtr ExpressionParser::parse_not() {
  if (!current().is_name("not")) return parse_compare();
  const Level level(*this);
  const Position at = take().at;
  return compound(ExpressionKind::kNot, at, parse_not());
}

ExpressionPtr ExpressionParser::parse_compare() {
  static constexpr std::pair<std::string_view, Comparison> kComparisons[] = {
      {"==", Comparison::kEqual},     {"!=", Comparison::kNotEqual}, {"<", Comparison::kLess},
      {"<=", Comparison::kLessEqual}, {">", Comparison::kGreater},   {">=", Comparison::kGreaterEqual}};
  ExpressionPtr first = parse_sum();
  std::unique_ptr<Compare> node;
  while (true) {
    std::optional<Comparison> comparison;
    const Position at = current().at;
    for (const auto& [symbol, meaning] : kComparisons) {
      if (take_if_operator(symbol)) {
        comparison = meaning;
        break;
      }
    }
    if (!comparison && take_if_name("in")) comparison = Comparison::kIn;
    if (!comparison && current().is_name("not") && following().is_name("in")) {
      take();
      take();
      comparison = Comparison::kNotIn;
    }
    if (!comparison) break;
    if (!node) node = std::make_unique<Compare>(at);
    node->rest.emplace_back(*comparison, parse_sum());
  }
  if (!node) return first;
  node->first = std::move(first);
  return finished(std::move(node));
}

ExpressionPtr ExpressionParser::parse_sum() {
  ExpressionPtr node = parse_concat();
  while (current().is_operator("+") || current().is_operator("-")) {
    const Token& sign = take();
    auto sum = std::make_unique<Compound>(ExpressionKind::kBinary, sign.at);
    sum->operation = sign.text == "+" ? BinaryOperator::kAdd : BinaryOperator::kSubtract;
    sum->parts.push_back(std::move(node));
    sum->parts.push_back(parse_concat());
    node = finished(std::move(sum));
  }
  return node;
}

ExpressionPtr ExpressionParser::parse_concat() {
  ExpressionPtr node = parse_product();
  if (!current().is_operator("~")) return node;
  auto concat = std::make_unique<Compound>(ExpressionKind::kConcat, current().at);
  concat->parts.push_back(std::move(node));
  while (take_if_operator("~")) concat->parts.push_back(parse_product());
  return finished(std::move(concat));
}

ExpressionPtr ExpressionParser::parse_product() {
  static constexpr std::pair<std::string_view, BinaryOperator> kOperators[] = {{"*", BinaryOperator::kMultiply},
                                                                               {"/", BinaryOperator::kDivide},
                                                                               {"//", BinaryOperator::kFloorDivide},
                                                                               {"%", BinaryOperator::kModulo}};
  ExpressionPtr node = parse_power();
  while (true) {
    const auto found =
        std::ranges::find_if(kOperators, [&](const auto& row) { return current().is_operator(row.first); });
    if (found == std::end(kOperators)) return node;
    auto product = std::make_unique<Compound>(ExpressionKind::kBinary, take().at);
    product->operation = found->second;
    product->parts.push_back(std::move(node));
    product->parts.push_back(parse_power());
    node = finished(std::move(product));
  }
}

ExpressionPtr ExpressionParser::parse_power() {
  ExpressionPtr node = parse_unary(true);
  while (current().is_operator("**")) {
    auto power = std::make_unique<Compound>(ExpressionKind::kBinary, take().at);
    power->operation = BinaryOperator::kPower;
    power->parts.push_back(std::move(node));
    power->parts.push_back(parse_unary(true));
    node = finished(std::move(power));
  }
  return node;
}

ExpressionPtr ExpressionParser::parse_unary(bool with_filters) {
  const Level level(*this);
  ExpressionPtr node;
  if (current().is_operator("-") || current().is_operator("+")) {
    const Token& sign = take();
    const ExpressionKind kind = sign.text == "-" ? ExpressionKind::kNegate : ExpressionKind::kPlus;
    const Position at = sign.at;
    node = compound(kind, at, parse_unary(false));
  } else {
    node = parse_primary();
  }
  node = parse_postfix(std::move(node));
  return with_filters ? parse_filters_and_tests(std::move(node)) : std::move(node);
}

// -- operands
// -------------------------------------------------------------------------------------------------------------

ExpressionPtr ExpressionParser::parse_primary() {
  const Token& token = current();
  const Position at = token.at;
  switch (token.kind) {
    case TokenKind::kName: {
      take();
      if (is_any_name(token, {"true", "True"})) return std::make_unique<Literal>(Value::boolean(true), at);
      if (is_any_name(token, {"false", "False"})) return std::make_unique<Literal>(Value::boolean(false), at);
      if (is_any_name(token, {"none", "None"})) return std::make_unique<Literal>(Value(), at);
      return std::make_unique<Name>(token.text, at);
    }
    case TokenKind::kString: {
      std::string text;
      while (current().kind == TokenKind::kString) text += take().text;
      return std::make_unique<Literal>(Value::string(std::move(text)), at);
    }
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      take();
      return std::make_unique<Literal>(token.number, at);
    case TokenKind::kOperator:
      if (token.text == "(") {
        take();
        ExpressionPtr node = parse_tuple(true, {}, true);
        expect_operator(")");
        return node;
      }
      if (token.text == "[") return parse_list();
      if (token.text == "{") return parse_dict();
      break;
    default:
      break;
  }
  fail(fmt::format("unexpected '{}'", describe(token)), at);
}

ExpressionPtr ExpressionParser::parse_tuple(bool with_condition, std::initializer_list<std::string_view> end_names,
                                            bool in_parentheses) {
  const Level level(*this);
  const Position at = current().at;
  const auto at_end = [&] {
    return current().kind == TokenKind::kPrintEnd || current().kind == TokenKind::kBlockEnd ||
           current().is_operator(")") || is_any_name(current(), end_names);
  };
  std::vector<ExpressionPtr> parts;
  bool comma = false;
  while (!at_end()) {
    parts.push_back(parse_expression(with_condition));
    if (!take_if_operator(",")) break;
    comma = true;
  }
  if (!comma && parts.size() == 1) return std::move(parts.front());
  if (!comma && !in_parentheses)
    fail(fmt::format("Expected an expression, got '{}'", describe(current())), current().at);
  auto node = std::make_unique<Compound>(ExpressionKind::kTuple, at);
  node->parts = std::move(parts);
  return finished(std::move(node));
}

ExpressionPtr ExpressionParser::parse_list() {
  auto node = std::make_unique<Compound>(ExpressionKind::kList, current().at);
  expect_operator("[");
  while (!current().is_operator("]")) {
    if (!node->parts.empty()) {
      expect_operator(",");
      if (current().is_operator("]")) break;
    }
    node->parts.push_back(parse_expression());
  }
  expect_operator("]");
  return finished(std::move(node));
}

ExpressionPtr ExpressionParser::parse_dict() {
  auto node = std::make_unique<Compound>(ExpressionKind::kDict, current().at);
  expect_operator("{");
  while (!current().is_operator("}")) {
    if (!node->parts.empty()) {
      expect_operator(",");
      if (current().is_operator("}")) break;
    }
    node->parts.push_back(parse_expression());
    expect_operator(":");
    node->parts.push_back(parse_expression());
  }
  expect_operator("}");
  return finished(std::move(node));
}

ExpressionPtr ExpressionParser::parse_postfix(ExpressionPtr node) {
  while (true) {
    if (current().is_operator(".")) {
      node = parse_attribute(std::move(node));
    } else if (current().is_operator("[")) {
      node = parse_subscript(std::move(node));
    } else if (current().is_operator("(")) {
      node = parse_call(std::move(node));
    } else {
      return node;
    }
  }
}

ExpressionPtr ExpressionParser::parse_filters_and_tests(ExpressionPtr node) {
  while (true) {
    if (current().is_operator("|")) {
      node = parse_filters(std::move(node), false);
    } else if (current().is_name("is")) {
      node = parse_test(std::move(node));
    } else if (current().is_operator("(")) {
      node = parse_call(std::move(node));
    } else {
      return node;
    }
  }
}

ExpressionPtr ExpressionParser::parse_attribute(ExpressionPtr owner) {
  const Position at = take().at;
  const Token& token = take();
  if (token.kind == TokenKind::kName) {
    auto node = std::make_unique<Attribute>(at);
    node->owner = std::move(owner);
    node->name = token.text;
    return finished(std::move(node));
  }
  if (token.kind != TokenKind::kInteger) fail("expected name or number", token.at);
  auto node = std::make_unique<Item>(at);
  node->owner = std::move(owner);
  node->key = std::make_unique<Literal>(token.number, token.at);
  return finished(std::move(node));
}

ExpressionPtr ExpressionParser::parse_subscript(ExpressionPtr owner) {
  const Position at = take().at;
  const auto bound_follows = [&] { return !current().is_operator(":") && !current().is_operator("]"); };
  std::vector<ExpressionPtr> keys;
  while (!current().is_operator("]")) {
    if (!keys.empty()) expect_operator(",");
    ExpressionPtr start;
    if (!current().is_operator(":")) start = parse_expression();
    if (!current().is_operator(":")) {
      keys.push_back(std::move(start));
      continue;
    }
    if (!keys.empty()) fail("a slice cannot be one of several subscripts", current().at);
    auto node = std::make_unique<SliceOf>(at);
    node->owner = std::move(owner);
    node->start = std::move(start);
    expect_operator(":");
    if (bound_follows()) node->stop = parse_expression();
    if (take_if_operator(":") && bound_follows()) node->step = parse_expression();
    expect_operator("]");
    return finished(std::move(node));
  }
  expect_operator("]");
  auto node = std::make_unique<Item>(at);
  node->owner = std::move(owner);
  if (keys.size() == 1) {
    node->key = std::move(keys.front());
  } else {
    auto tuple = std::make_unique<Compound>(ExpressionKind::kTuple, at);
    tuple->parts = std::move(keys);
    node->key = finished(std::move(tuple));
  }
  return finished(std::move(node));
}

ExpressionPtr ExpressionParser::parse_call(ExpressionPtr callee) {
  auto node = std::make_unique<Call>(current().at);
  node->callee = std::move(callee);
  node->arguments = parse_arguments();
  return finished(std::move(node));
}

CallArguments ExpressionParser::parse_arguments() {
  const Position at = current().at;
  const auto ensure = [&](bool valid) {
    if (!valid) fail("invalid syntax for function call expression", at);
  };
  CallArguments arguments;
  expect_operator("(");
  for (bool first = true; !current().is_operator(")"); first = false) {
    if (!first) {
      expect_operator(",");
      if (current().is_operator(")")) break;
    }
    if (take_if_operator("*")) {
      ensure(!arguments.more_positional && !arguments.more_named);
      arguments.more_positional = parse_expression();
    } else if (take_if_operator("**")) {
      ensure(!arguments.more_named);
      arguments.more_named = parse_expression();
    } else if (current().kind == TokenKind::kName && following().is_operator("=")) {
      ensure(!arguments.more_named);
      std::string name = take().text;
      take();
      arguments.named.emplace_back(std::move(name), parse_expression());
    } else {
      ensure(!arguments.more_positional && !arguments.more_named && arguments.named.empty());
      arguments.positional.push_back(parse_expression());
    }
  }
  expect_operator(")");
  return arguments;
}

std::string ExpressionParser::parse_dotted_name() {
  std::string name = expect_name().text;
  while (take_if_operator(".")) name += "." + expect_name().text;
  return name;
}

ExpressionPtr ExpressionParser::parse_filters(ExpressionPtr input, bool at_name) {
  while (at_name || current().is_operator("|")) {
    if (!at_name) take();
    at_name = false;
    auto node = std::make_unique<FilterCall>(current().at);
    node->name = parse_dotted_name();
    node->filter = find_filter(options_, node->name);
    if (node->filter == nullptr) unknown_.emplace_back(unknown_filter(options_, node->name), node->at);
    if (current().is_operator("(")) node->arguments = parse_arguments();
    node->input = std::move(input);
    input = finished(std::move(node));
  }
  return input;
}

ExpressionPtr ExpressionParser::parse_test(ExpressionPtr input) {
  const Position at = take().at;
  const bool negated = take_if_name("not");
  auto node = std::make_unique<TestCall>(at);
  const Position name_at = current().at;
  node->name = parse_dotted_name();
  node->test = find_test(node->name);
  if (node->test == nullptr) unknown_.emplace_back(unknown_test(node->name), name_at);
  node->input = std::move(input);
  const Token& next = current();
  const bool operand = next.kind == TokenKind::kName || next.kind == TokenKind::kString ||
                       next.kind == TokenKind::kInteger || next.kind == TokenKind::kFloat || next.is_operator("[") ||
                       next.is_operator("{");
  if (next.is_operator("(")) {
    node->arguments = parse_arguments();
  } else if (operand && !is_any_name(next, {"else", "or", "and"})) {
    if (next.is_name("is")) fail("You cannot chain multiple tests with is", next.at);
    node->arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  ExpressionPtr test = finished(std::move(node));
  return negated ? compound(ExpressionKind::kNot, at, std::move(test)) : std::move(test);
}

// -- targets of assignments
// -----------------------------------------------------------------------------------------------

Target ExpressionParser::parse_name_target() {
  const Token& token = expect_name();
  if (is_any_name(token, {"true", "false", "none", "True", "False", "None"})) {
    fail(fmt::format("can't assign to '{}'", token.text), token.at);
  }
  return {.kind = Target::Kind::kName, .at = token.at, .name = token.text, .slot = {}, .attribute = {}, .parts = {}};
}

Target ExpressionParser::parse_single_target(bool allow_attributes) {
  const Level level(*this);
  if (take_if_operator("(")) {
    Target target = parse_target(allow_attributes);
    expect_operator(")");
    return target;
  }
  if (current().kind != TokenKind::kName) fail(fmt::format("can't assign to '{}'", describe(current())), current().at);
  Target target = parse_name_target();
  if (allow_attributes && take_if_operator(".")) {
    target.kind = Target::Kind::kAttribute;
    target.attribute = expect_name().text;
  }
  return target;
}

Target ExpressionParser::parse_target(bool allow_attributes, std::string_view end_name) {
  Target tuple{.kind = Target::Kind::kTuple, .at = current().at, .name = {}, .slot = {}, .attribute = {}, .parts = {}};
  const auto at_end = [&] {
    return current().kind == TokenKind::kBlockEnd || current().is_operator(")") || current().is_operator("=") ||
           (!end_name.empty() && current().is_name(end_name));
  };
  bool comma = false;
  while (tuple.parts.empty() || !at_end()) {
    tuple.parts.push_back(parse_single_target(allow_attributes));
    if (!take_if_operator(",")) break;
    comma = true;
  }
  if (!comma) {
    Target single = std::move(tuple.parts.front());
    return single;
  }
  return tuple;
}

}  // namespace cambium::text::jinja
