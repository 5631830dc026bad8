#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_lexer.h"
#include "text/jinja_options.h"
#include "text/jinja_syntax.h"

namespace cambium::text::jinja {

/// Parses expressions out of a template's tokens; the statement parser builds on it.
class ExpressionParser {
 public:
  ExpressionParser(std::vector<Token> tokens, const Options& options, std::string_view name)
      : tokens_(std::move(tokens)), options_(options), name_(name) {}

  /// @param with_condition  whether `a if b else c` may stand here
  [[nodiscard]] ExpressionPtr parse_expression(bool with_condition = true);
  /// One expression, or several with commas between: a tuple. @param end_names  names that end it
  [[nodiscard]] ExpressionPtr parse_tuple(bool with_condition = true,
                                          std::initializer_list<std::string_view> end_names = {},
                                          bool in_parentheses = false);
  /// @param input  null: the filters of a filter block @param at_name  the `|` is already behind
  [[nodiscard]] ExpressionPtr parse_filters(ExpressionPtr input, bool at_name);
  [[nodiscard]] Target parse_target(bool allow_attributes, std::string_view end_name = {});
  [[nodiscard]] Target parse_name_target();

 protected:
  [[nodiscard]] const Token& current() const { return tokens_[at_]; }
  [[nodiscard]] const Token& following() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  const Token& take();
  bool take_if_name(std::string_view name);
  bool take_if_operator(std::string_view symbol);
  const Token& expect_name();
  void expect_name(std::string_view name);
  void expect_operator(std::string_view symbol);
  void expect(TokenKind kind);
  [[noreturn]] void fail(std::string message, Position at) const;
  [[noreturn]] void fail_expected(std::string_view what) const;
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] std::string_view template_name() const { return name_; }

  /// One level of nesting as long as it lives.
  class Level {
   public:
    explicit Level(ExpressionParser& parser);
    ~Level() { --parser_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    ExpressionParser& parser_;
  };

  /// Fails if the expressions since forget_unknown() use a filter or test that there is not. Inside `if` such a one is
  /// an error only when it runs.
  void refuse_unknown() const;
  void forget_unknown() { unknown_.clear(); }

 private:
  template <class T>
  [[nodiscard]] ExpressionPtr finished(std::unique_ptr<T> node) const;
  [[nodiscard]] ExpressionPtr compound(ExpressionKind kind, Position at, ExpressionPtr left,
                                       ExpressionPtr right = {}) const;
  [[nodiscard]] ExpressionPtr parse_condition();
  [[nodiscard]] ExpressionPtr parse_or();
  [[nodiscard]] ExpressionPtr parse_and();
  [[nodiscard]] ExpressionPtr parse_not();
  [[nodiscard]] ExpressionPtr parse_compare();
  [[nodiscard]] ExpressionPtr parse_sum();
  [[nodiscard]] ExpressionPtr parse_concat();
  [[nodiscard]] ExpressionPtr parse_product();
  [[nodiscard]] ExpressionPtr parse_power();
  [[nodiscard]] ExpressionPtr parse_unary(bool with_filters);
  [[nodiscard]] ExpressionPtr parse_primary();
  [[nodiscard]] ExpressionPtr parse_list();
  [[nodiscard]] ExpressionPtr parse_dict();
  [[nodiscard]] ExpressionPtr parse_postfix(ExpressionPtr node);
  [[nodiscard]] ExpressionPtr parse_filters_and_tests(ExpressionPtr node);
  [[nodiscard]] ExpressionPtr parse_attribute(ExpressionPtr owner);
  [[nodiscard]] ExpressionPtr parse_subscript(ExpressionPtr owner);
  [[nodiscard]] ExpressionPtr parse_call(ExpressionPtr callee);
  [[nodiscard]] ExpressionPtr parse_test(ExpressionPtr input);
  [[nodiscard]] CallArguments parse_arguments();
  [[nodiscard]] std::string parse_dotted_name();
  [[nodiscard]] Target parse_single_target(bool allow_attributes);

  std::vector<Token> tokens_;
  const Options& options_;
  std::string_view name_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::vector<std::pair<std::string, Position>> unknown_;
};

}  // namespace cambium::text::jinja
