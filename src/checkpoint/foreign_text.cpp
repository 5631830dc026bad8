#include "checkpoint/foreign_text.h"

#include <fmt/format.h>

namespace cambium::checkpoint {

namespace {

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

// Bytes of the well-formed UTF-8 character at `at`; 0 if there is none.
std::size_t character(std::string_view text, std::size_t at) {
  const unsigned first = byte_at(text, at);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xc2 && first <= 0xdf   ? 2
                           : (first & 0xf0) == 0xe0         ? 3
                           : first >= 0xf0 && first <= 0xf4 ? 4
                                                            : 0;
  if (size == 0 || at + size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte_at(text, at + i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte_at(text, at + 1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second >= 0xa0;
  const bool too_large = first == 0xf4 && second >= 0x90;
  return overlong || surrogate || too_large ? 0 : size;
}

// The same for characters that are no control characters.
std::size_t plain_character(std::string_view text, std::size_t at) {
  const std::size_t size = character(text, at);
  const unsigned first = byte_at(text, at);
  if (size == 1) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const bool c1_control = size == 2 && first == 0xc2 && byte_at(text, at + 1) < 0xa0;
  return c1_control ? 0 : size;
}

template <class SizeOf>
bool consists_of(std::string_view text, SizeOf size_of) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = size_of(text, at);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

}  // namespace

std::string quote_foreign(std::string_view text, std::size_t limit) {
  std::string out = "'";
  for (std::size_t at = 0; at < text.size();) {
    if (at >= limit) {
      out += "...";
      break;
    }
    const std::size_t size = plain_character(text, at);
    if (size == 0) {
      out += fmt::format("\\x{:02x}", byte_at(text, at));
      ++at;
    } else {
      out.append(text, at, size);
      at += size;
    }
  }
  return out + "'";
}

bool is_utf8(std::string_view text) { return consists_of(text, character); }

bool is_plain_text(std::string_view text) { return consists_of(text, plain_character); }

}  // namespace cambium::checkpoint
