#include "text/jinja_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "text/jinja_expression_parser.h"
#include "text/jinja_nearest.h"

namespace cambium::text::jinja {
namespace {

constexpr std::array<std::string_view, 14> kTags{"for",    "if",       "set",   "macro",      "call",
                                                 "filter", "with",     "block", "autoescape", "generation",
                                                 "break",  "continue", "do",    "print"};

class StatementParser : private ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;

  Body parse_template() { return parse_body({}); }

 private:
  // Whether what is parsed stands inside `if` (unknown filters wait until they run) and inside a loop (break,
  // continue).
  struct Surroundings {
    bool conditional = false;
    bool loop = false;
  };

  // Statements up to one of the end tags, which is left to be read.
  Body parse_body(std::initializer_list<std::string_view> end_tags) {
    const Level level(*this);
    Body body;
    while (current().kind != TokenKind::kEnd) {
      if (current().kind == TokenKind::kText) {
        const Token& token = take();
        body.push_back(std::make_unique<Text>(token.text, token.at));
      } else if (current().kind == TokenKind::kPrintBegin) {
        const Position at = take().at;
        body.push_back(std::make_unique<Print>(StatementKind::kPrint, checked(parse_tuple()), at));
        expect(TokenKind::kPrintEnd);
      } else {
        expect(TokenKind::kBlockBegin);
        if (current().kind == TokenKind::kName && std::ranges::find(end_tags, current().text) != end_tags.end())
          return body;
        parse_statement(body);
        expect(TokenKind::kBlockEnd);
      }
    }
    if (end_tags.size() > 0) fail_unclosed(end_tags);
    return body;
  }

  [[noreturn]] void fail_unclosed(std::initializer_list<std::string_view> end_tags) const {
    std::string wanted;
    for (const std::string_view tag : end_tags) wanted += fmt::format("{}'{}'", wanted.empty() ? "" : " or ", tag);
    fail(fmt::format(
             "Unexpected end of template. Jinja was looking for the following tags: {}. The innermost block that "
             "needs to be closed is '{}' of line {}.",
             wanted, open_tags_.back().first, open_tags_.back().second.line),
         current().at);
  }

  // The body of a tag: behind its `%}`, up to and over the end tag's name.
  Body parse_inner(std::string_view end_tag) {
    Body body = parse_inner_until({end_tag});
    take();
    return body;
  }

  Body parse_inner_until(std::initializer_list<std::string_view> end_tags) {
    take_if_operator(":");
    expect(TokenKind::kBlockEnd);
    return parse_body(end_tags);
  }

  ExpressionPtr checked(ExpressionPtr expression) {
    if (!surroundings_.conditional) refuse_unknown();
    forget_unknown();
    return expression;
  }

  void parse_statement(Body& body) {
    if (current().kind != TokenKind::kName) fail("tag name expected", current().at);
    const Token& tag = current();
    open_tags_.emplace_back(tag.text, tag.at);
    const Surroundings before = surroundings_;
    dispatch(tag, body);
    surroundings_ = before;
    open_tags_.pop_back();
  }

  void dispatch(const Token& tag, Body& body) {
    const std::string_view name = tag.text;
    if (name == "print") {
      take();
      for (bool first = true; current().kind != TokenKind::kBlockEnd; first = false) {
        if (!first) expect_operator(",");
        body.push_back(std::make_unique<Print>(StatementKind::kPrint, checked(parse_expression()), tag.at));
      }
      return;
    }
    body.push_back(parse_one(tag));
  }

  StatementPtr parse_one(const Token& tag) {
    const std::string_view name = tag.text;
    if (name == "include" || name == "import" || name == "from" || name == "extends") {
      fail(fmt::format("'{}' is not possible here: a template cannot read other templates", name), tag.at);
    }
    take();
    if (name == "for") return parse_for(tag.at);
    if (name == "if") return parse_if(tag.at);
    if (name == "set") return parse_set(tag.at);
    if (name == "macro") return parse_macro(tag.at);
    if (name == "call") return parse_call_block(tag.at);
    if (name == "generation") return parse_generation(tag.at);
    if (name == "filter") return parse_filter_block(tag.at);
    if (name == "with") return parse_with(tag.at);
    if (name == "block") return parse_block(tag.at);
    if (name == "autoescape") return parse_autoescape(tag.at);
    if (name == "do") return std::make_unique<Print>(StatementKind::kDo, checked(parse_tuple()), tag.at);
    if (name == "break" || name == "continue") {
      if (!surroundings_.loop) fail(fmt::format("'{}' outside loop", name), tag.at);
      return std::make_unique<Jump>(name == "break" ? StatementKind::kBreak : StatementKind::kContinue, tag.at);
    }
    if (name.starts_with("end") || name == "else" || name == "elif") {
      fail(fmt::format("Encountered unknown tag '{}': it closes or continues no open block.", name), tag.at);
    }
    fail(fmt::format("Encountered unknown tag '{}'.{}", name, nearest_names(name, kTags)), tag.at);
  }

  StatementPtr parse_for(Position at) {
    auto node = std::make_unique<For>(at);
    node->target = parse_target(false, "in");
    expect_name("in");
    node->items = checked(parse_tuple(false, {"recursive"}));
    const bool outer_loop = surroundings_.loop;
    surroundings_.conditional = false;
    if (take_if_name("if")) node->condition = checked(parse_expression());
    node->recursive = take_if_name("recursive");
    surroundings_.loop = true;
    node->body = parse_inner_until({"endfor", "else"});
    surroundings_.loop = outer_loop && !node->recursive;
    if (take().text == "else") node->otherwise = parse_inner("endfor");
    refuse_loop_assignment(node->target);
    return node;
  }

  void refuse_loop_assignment(const Target& target) const {
    if (target.kind == Target::Kind::kName && target.name == "loop") {
      fail("Can't assign to special loop variable in for-loop target", target.at);
    }
    for (const Target& part : target.parts) refuse_loop_assignment(part);
  }

  StatementPtr parse_if(Position at) {
    auto node = std::make_unique<If>(at);
    surroundings_.conditional = true;
    while (true) {
      ExpressionPtr condition = checked(parse_tuple(false));
      Body body = parse_inner_until({"elif", "else", "endif"});
      node->branches.emplace_back(std::move(condition), std::move(body));
      const Token& next = take();
      if (next.text == "elif") continue;
      if (next.text == "else") node->otherwise = parse_inner("endif");
      return node;
    }
  }

  StatementPtr parse_set(Position at) {
    Target target = parse_target(true);
    if (take_if_operator("=")) {
      auto node = std::make_unique<Set>(at);
      node->target = std::move(target);
      node->value = checked(parse_tuple());
      return node;
    }
    auto node = std::make_unique<SetBlock>(at);
    node->target = std::move(target);
    node->filter = checked(parse_filters(nullptr, false));
    surroundings_.conditional = false;
    node->body = parse_inner("endset");
    return node;
  }

  void parse_signature(Function& function) {
    expect_operator("(");
    while (!current().is_operator(")")) {
      if (!function.parameters.empty()) expect_operator(",");
      const Target target = parse_name_target();
      if (std::ranges::find(function.parameters, target.name) != function.parameters.end()) {
        fail(fmt::format("duplicate argument '{}' in function definition", target.name), target.at);
      }
      if (take_if_operator("=")) {
        function.defaults.push_back(checked(parse_expression()));
      } else if (!function.defaults.empty()) {
        fail("non-default argument follows default argument", target.at);
      }
      function.parameters.push_back(target.name);
    }
    expect_operator(")");
  }

  StatementPtr parse_macro(Position at) {
    auto node = std::make_unique<Macro>(at);
    node->function.name = parse_name_target().name;
    surroundings_ = {};
    parse_signature(node->function);
    node->function.body = parse_inner("endmacro");
    return node;
  }

  StatementPtr parse_call_block(Position at) {
    auto node = std::make_unique<CallBlock>(StatementKind::kCallBlock, at);
    node->function.name = "caller";
    if (current().is_operator("(")) parse_signature(node->function);
    node->call = checked(parse_expression());
    if (node->call->kind != ExpressionKind::kCall) fail("expected call", at);
    surroundings_ = {};
    node->function.body = parse_inner("endcall");
    return node;
  }

  StatementPtr parse_generation(Position at) {
    auto node = std::make_unique<CallBlock>(StatementKind::kGeneration, at);
    surroundings_ = {};
    node->function.body = parse_inner("endgeneration");
    return node;
  }

  StatementPtr parse_filter_block(Position at) {
    auto node = std::make_unique<FilterBlock>(at);
    surroundings_.conditional = false;
    node->filter = checked(parse_filters(nullptr, true));
    node->body = parse_inner("endfilter");
    return node;
  }

  StatementPtr parse_with(Position at) {
    auto node = std::make_unique<With>(at);
    while (current().kind != TokenKind::kBlockEnd) {
      if (!node->assignments.empty()) expect_operator(",");
      Target target = parse_target(false);
      expect_operator("=");
      node->assignments.emplace_back(std::move(target), checked(parse_expression()));
    }
    surroundings_.conditional = false;
    node->body = parse_inner("endwith");
    return node;
  }

  StatementPtr parse_block(Position at) {
    auto node = std::make_unique<Block>(at);
    node->name = expect_name().text;
    if (!blocks_.insert(node->name).second) fail(fmt::format("block '{}' defined twice", node->name), at);
    node->scoped = take_if_name("scoped");
    if (take_if_name("required")) fail("a required block needs a template that extends this one", at);
    surroundings_ = {};
    node->body = parse_inner("endblock");
    take_if_name(node->name);
    return node;
  }

  StatementPtr parse_autoescape(Position at) {
    auto node = std::make_unique<Autoescape>(at);
    node->value = checked(parse_expression());
    surroundings_.conditional = false;
    node->body = parse_inner("endautoescape");
    return node;
  }

  Surroundings surroundings_;
  std::vector<std::pair<std::string, Position>> open_tags_;
  std::set<std::string> blocks_;
};

}  // namespace

Tree parse(std::string_view source, const Options& options, std::string_view name) {
  Tree tree;
  StatementParser parser(tokenize(source, options, name), options, name);
  tree.body = parser.parse_template();
  return tree;
}

}  // namespace cambium::text::jinja
