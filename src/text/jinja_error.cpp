#include "text/jinja_error.h"

#include <fmt/format.h>

namespace cambium::text::jinja {
namespace {

std::string located(ErrorKind kind, const std::string& message, Position position, std::string_view name) {
  if (position.line == 0) return fmt::format("{}: {}", error_name(kind), message);
  return fmt::format("{}:{}:{}: {}: {}", name, position.line, position.column, error_name(kind), message);
}

}  // namespace

std::string_view error_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kSyntax:
      return "TemplateSyntaxError";
    case ErrorKind::kRaised:
      return "TemplateError";
    case ErrorKind::kRuntime:
      return "TemplateRuntimeError";
    case ErrorKind::kUndefined:
      return "UndefinedError";
    case ErrorKind::kSecurity:
      return "SecurityError";
    case ErrorKind::kType:
      return "TypeError";
    case ErrorKind::kValue:
      return "ValueError";
    case ErrorKind::kLookup:
      return "LookupError";
    case ErrorKind::kOverflow:
      return "OverflowError";
    case ErrorKind::kZeroDivision:
      return "ZeroDivisionError";
    case ErrorKind::kLimit:
      return "TemplateLimitError";
  }
  return "Error";
}

TemplateError::TemplateError(ErrorKind kind, std::string message)
    : TemplateError(kind, std::move(message), Position{}, {}) {}

TemplateError::TemplateError(ErrorKind kind, std::string message, Position position, std::string_view template_name)
    : Error(located(kind, message, position, template_name)),
      kind_(kind),
      message_(std::move(message)),
      position_(position) {}

}  // namespace cambium::text::jinja
