#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "tensor/error.h"

namespace cambium::text::jinja {

/// A place in a template: line and column (in code points), both from 1; line 0 means unknown.
struct Position {
  std::size_t line = 0;
  std::size_t column = 0;
};

/// What went wrong, named as the exception that Jinja2 and Python would raise.
enum class ErrorKind {
  kSyntax,        ///< TemplateSyntaxError: the template cannot be parsed
  kRaised,        ///< TemplateError: the template called raise_exception
  kRuntime,       ///< TemplateRuntimeError
  kUndefined,     ///< UndefinedError
  kSecurity,      ///< SecurityError: the sandbox forbids it
  kType,          ///< TypeError
  kValue,         ///< ValueError
  kLookup,        ///< KeyError, IndexError
  kOverflow,      ///< OverflowError
  kZeroDivision,  ///< ZeroDivisionError
  kLimit,         ///< more work, depth or output than allowed
};
[[nodiscard]] std::string_view error_name(ErrorKind kind);

/// A template that cannot be parsed or rendered. what() is "NAME:LINE:COLUMN: KIND: MESSAGE".
class TemplateError : public Error {
 public:
  TemplateError(ErrorKind kind, std::string message);
  TemplateError(ErrorKind kind, std::string message, Position position, std::string_view template_name);

  [[nodiscard]] ErrorKind kind() const { return kind_; }
  /// The message alone, as the template or Python worded it.
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] Position position() const { return position_; }

 private:
  ErrorKind kind_;
  std::string message_;
  Position position_;
};

}  // namespace cambium::text::jinja
