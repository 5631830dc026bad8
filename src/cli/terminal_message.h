#pragma once

#include <string>
#include <string_view>

namespace cambium::cli {

/// A message fit for a terminal: control characters (but for line ends and tabs) and broken UTF-8 as \xNN; of one
/// longer than `limit` bytes the beginning and the end.
[[nodiscard]] std::string terminal_message(std::string_view message, std::size_t limit = 2500);

}  // namespace cambium::cli
