#pragma once

#include <string>

#include "text/jinja_value.h"

namespace cambium::text::jinja {

/// Python's pprint.pformat: repr with sorted keys, broken into one item a line where it is wider than 80 columns (long
/// strings stay whole, which pprint would fold).
[[nodiscard]] std::string pretty(const Value& value, Budget& budget);

}  // namespace cambium::text::jinja
