#include "text/jinja_limits.h"

#include <fmt/format.h>

#include "text/jinja_error.h"

namespace cambium::text::jinja {

void Budget::fail_work() const {
  throw TemplateError(ErrorKind::kLimit, fmt::format("the template needs more than {} steps", limits_.max_work));
}

void Budget::fail_text() const {
  throw TemplateError(ErrorKind::kLimit,
                      fmt::format("the template makes a text of more than {} bytes", limits_.max_text_bytes));
}

void Budget::fail_nesting() const {
  throw TemplateError(ErrorKind::kLimit,
                      fmt::format("calls, expressions or values are nested more than {} deep", limits_.max_nesting));
}

}  // namespace cambium::text::jinja
