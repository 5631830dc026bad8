#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_error.h"
#include "text/jinja_options.h"
#include "text/jinja_value.h"

namespace cambium::text::jinja {

enum class TokenKind : std::uint8_t {
  kText,        ///< what stands outside of tags
  kPrintBegin,  ///< {{
  kPrintEnd,    ///< }}
  kBlockBegin,  ///< {%
  kBlockEnd,    ///< %}
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,  ///< its characters are the token's text
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  ///< text, name, operator, or a string's contents
  Value number;      ///< of kInteger and kFloat
  Position at;
  [[nodiscard]] bool is_operator(std::string_view symbol) const {
    return kind == TokenKind::kOperator && text == symbol;
  }
  [[nodiscard]] bool is_name(std::string_view name) const { return kind == TokenKind::kName && text == name; }
};

/// Cuts a template into tokens; white space control, trim_blocks, lstrip_blocks, raw blocks and comments are done with
/// then. Source: Jinja 3.1's documented rules. Cost: linear.
/// @throws TemplateError (kSyntax)  not UTF-8, or no token can begin where it says
[[nodiscard]] std::vector<Token> tokenize(std::string_view source, const Options& options, std::string_view name);

/// As messages name a token: its text, or "end of print statement" and the like.
[[nodiscard]] std::string describe(const Token& token);

}  // namespace cambium::text::jinja
