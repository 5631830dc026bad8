#pragma once

#include <string>

#include "text/jinja_value.h"

namespace cambium::eval {

/// A value as Python's json.dumps(..., ensure_ascii=False) writes it, in one line or indented by two blanks.
[[nodiscard]] std::string json_text(const text::jinja::Value& value);
[[nodiscard]] std::string indented_json_text(const text::jinja::Value& value);

}  // namespace cambium::eval
