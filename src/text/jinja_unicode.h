#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Python's view of text: code points, their classes and their case. All strings are valid UTF-8.
namespace cambium::text::jinja {

/// The code point at byte `position`, which moves behind it; U+FFFD for a byte that is not UTF-8.
[[nodiscard]] char32_t next_code_point(std::string_view text, std::size_t& position) noexcept;
void append_code_point(std::string& text, char32_t code_point);
/// Offset of the first byte that is not valid UTF-8 (surrogates are not), or npos.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text) noexcept;
[[nodiscard]] std::size_t count_code_points(std::string_view text) noexcept;
/// Byte offset of code point number `index`; the size of the text if there are fewer.
[[nodiscard]] std::size_t byte_offset(std::string_view text, std::size_t index) noexcept;
[[nodiscard]] std::u32string to_code_points(std::string_view text);
[[nodiscard]] std::string to_utf8(std::u32string_view code_points);

// str.isspace and so on, of one code point.
[[nodiscard]] bool is_space(char32_t c) noexcept;
[[nodiscard]] bool is_printable(char32_t c) noexcept;
[[nodiscard]] bool is_alpha(char32_t c) noexcept;
[[nodiscard]] bool is_decimal(char32_t c) noexcept;
[[nodiscard]] bool is_digit(char32_t c) noexcept;
[[nodiscard]] bool is_numeric(char32_t c) noexcept;
[[nodiscard]] bool is_alnum(char32_t c) noexcept;
[[nodiscard]] bool is_lower(char32_t c) noexcept;
[[nodiscard]] bool is_upper(char32_t c) noexcept;
[[nodiscard]] bool is_title(char32_t c) noexcept;
[[nodiscard]] bool is_identifier_start(char32_t c) noexcept;
[[nodiscard]] bool is_identifier_part(char32_t c) noexcept;
/// A line end of str.splitlines.
[[nodiscard]] bool is_line_break(char32_t c) noexcept;

// Full case mappings ("ß" becomes "SS"), the final sigma included.
[[nodiscard]] std::string to_upper(std::string_view text);
[[nodiscard]] std::string to_lower(std::string_view text);
[[nodiscard]] std::string to_title(std::string_view text);
[[nodiscard]] std::string to_casefold(std::string_view text);
[[nodiscard]] std::string capitalize(std::string_view text);
[[nodiscard]] std::string swap_case(std::string_view text);

/// Without white space at the chosen ends.
[[nodiscard]] std::string_view strip(std::string_view text, bool left = true, bool right = true) noexcept;
[[nodiscard]] std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);

}  // namespace cambium::text::jinja
