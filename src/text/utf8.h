#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// UTF-8 as the tokenizers need it: text is checked once at the door (find_invalid), then walked without checks.
namespace cambium::text::utf8 {

/// True for the bytes 10xxxxxx, which never start a character.
[[nodiscard]] constexpr bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

/// Bytes of the character that starts with `lead` (a lead byte of valid text): 1..4.
[[nodiscard]] constexpr std::size_t length_from_lead(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// Reads the character at `position` of valid text and moves `position` behind it.
[[nodiscard]] inline char32_t next(std::string_view text, std::size_t& position) {
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[position + i]));
  };
  const char32_t lead = byte(0);
  if (lead < 0x80) {
    ++position;
    return lead;
  }
  if (lead < 0xE0) {
    const char32_t value = (lead & 0x1FU) << 6U | (byte(1) & 0x3FU);
    position += 2;
    return value;
  }
  if (lead < 0xF0) {
    const char32_t value = (lead & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
    position += 3;
    return value;
  }
  const char32_t value = (lead & 0x07U) << 18U | (byte(1) & 0x3FU) << 12U | (byte(2) & 0x3FU) << 6U | (byte(3) & 0x3FU);
  position += 4;
  return value;
}

/// Reads the character that ends before `position` (> 0) of valid text and moves `position` to its start.
[[nodiscard]] inline char32_t previous(std::string_view text, std::size_t& position) {
  do --position;
  while (is_continuation(text[position]));
  std::size_t copy = position;
  return next(text, copy);
}

/// Bytes that `character` takes: 1..4.
[[nodiscard]] constexpr std::size_t length(char32_t character) {
  return character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
}

inline void append(std::string& out, char32_t character) {
  const auto put = [&](char32_t bits) { out.push_back(static_cast<char>(bits)); };
  if (character < 0x80) {
    put(character);
  } else if (character < 0x800) {
    put(0xC0U | character >> 6U);
    put(0x80U | (character & 0x3FU));
  } else if (character < 0x10000) {
    put(0xE0U | character >> 12U);
    put(0x80U | (character >> 6U & 0x3FU));
    put(0x80U | (character & 0x3FU));
  } else {
    put(0xF0U | character >> 18U);
    put(0x80U | (character >> 12U & 0x3FU));
    put(0x80U | (character >> 6U & 0x3FU));
    put(0x80U | (character & 0x3FU));
  }
}

[[nodiscard]] inline std::string encode(char32_t character) {
  std::string out;
  append(out, character);
  return out;
}

/// Characters (code points) of valid text.
[[nodiscard]] inline std::size_t count(std::string_view text) {
  std::size_t characters = 0;
  for (const char byte : text) characters += is_continuation(byte) ? 0 : 1;
  return characters;
}

/// Length of the ASCII run at the start of `text`.
[[nodiscard]] std::size_t ascii_prefix(std::string_view text);

/// Position of the first byte that is not part of well-formed UTF-8 (overlong forms, surrogates and values above 10FFFF
/// are not), or npos. One pass.
[[nodiscard]] std::size_t find_invalid(std::string_view text);

/// Appends `bytes` with each maximal ill-formed part replaced by U+FFFD (the practice of the Unicode standard,
/// chapter 3.9).
void append_repaired(std::string& out, std::string_view bytes);

/// How many bytes at the end of `bytes` are the start of a character that more bytes could complete: 0..3.
[[nodiscard]] std::size_t incomplete_suffix(std::string_view bytes);

}  // namespace cambium::text::utf8
