#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cambium::text {

/// The bytes of base64 text (RFC 4648, with or without padding); nothing if it holds another character.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace cambium::text
