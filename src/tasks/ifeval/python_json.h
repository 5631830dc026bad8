#pragma once

#include <string_view>

namespace cambium::tasks::ifeval {

/// Whether Python's json.loads accepts a text: JSON, and also NaN, Infinity and -Infinity, lone surrogates in escapes
/// and bare values; not control characters in texts, nor integers of more than 4300 digits. Where Python would give up
/// on nesting that is too deep, this does not.
[[nodiscard]] bool is_python_json(std::string_view text);

}  // namespace cambium::tasks::ifeval
