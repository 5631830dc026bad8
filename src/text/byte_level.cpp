#include "text/byte_level.h"

#include <array>

#include "text/utf8.h"

namespace cambium::text {

namespace {

struct Alphabet {
  std::array<char16_t, 256> characters{};
  std::array<std::int16_t, 0x144> bytes{};
};

constexpr Alphabet make_alphabet() {
  Alphabet alphabet;
  alphabet.bytes.fill(-1);
  char16_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    const char16_t character = printable ? static_cast<char16_t>(byte) : next++;
    alphabet.characters[byte] = character;
    alphabet.bytes[character] = static_cast<std::int16_t>(byte);
  }
  return alphabet;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

char32_t byte_character(char byte) { return kAlphabet.characters[static_cast<unsigned char>(byte)]; }

int character_byte(char32_t character) { return character < kAlphabet.bytes.size() ? kAlphabet.bytes[character] : -1; }

void append_byte_characters(std::string& out, std::string_view bytes) {
  for (const char byte : bytes) utf8::append(out, byte_character(byte));
}

bool append_character_bytes(std::string& out, std::string_view characters) {
  const std::size_t before = out.size();
  for (std::size_t position = 0; position < characters.size();) {
    const int byte = character_byte(utf8::next(characters, position));
    if (byte < 0) {
      out.resize(before);
      return false;
    }
    out.push_back(static_cast<char>(byte));
  }
  return true;
}

}  // namespace cambium::text
