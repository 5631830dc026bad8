#pragma once

#include <string>
#include <string_view>

namespace cambium::eval {

/// SHA-256 (FIPS 180-4) of a text as 64 hexadecimal digits: what lm-evaluation-harness names documents and prompts by.
[[nodiscard]] std::string sha256(std::string_view text);

}  // namespace cambium::eval
