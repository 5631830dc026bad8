#pragma once

#include <string>
#include <string_view>

namespace cambium::checkpoint {

/// Foreign text made fit for a message: in single quotes, control characters and broken UTF-8 as \xNN, cut after
/// `limit` bytes.
[[nodiscard]] std::string quote_foreign(std::string_view text, std::size_t limit = 160);

/// True if the text is well-formed UTF-8.
[[nodiscard]] bool is_utf8(std::string_view text);

/// True if the text is UTF-8 without control characters: what a tensor's or file's name has to be.
[[nodiscard]] bool is_plain_text(std::string_view text);

}  // namespace cambium::checkpoint
