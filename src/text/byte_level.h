#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// GPT-2's byte alphabet: each byte is written as one printable character, so that any text can be spelled in a
/// vocabulary of strings.
namespace cambium::text {

/// The stand-in of a byte: itself if it is printable Latin-1, else U+0100 and up (the space is U+0120, 'Ġ').
[[nodiscard]] char32_t byte_character(char byte);
/// The byte that a character stands for, or -1.
[[nodiscard]] int character_byte(char32_t character);
/// Appends the stand-ins of all bytes.
void append_byte_characters(std::string& out, std::string_view bytes);
/// Appends the bytes that `characters` (valid UTF-8) stand for; false (nothing appended) if one stands for none.
[[nodiscard]] bool append_character_bytes(std::string& out, std::string_view characters);

}  // namespace cambium::text
