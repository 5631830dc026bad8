#include "text/utf8.h"

#include <bit>
#include <cstring>

namespace cambium::text::utf8 {

namespace {

struct Step {
  std::size_t bytes;  // of the character, or of the ill-formed part
  bool valid;
  bool cut;  // ill-formed only because the text ends
};

/// Looks at the sequence at the start of `text` (not empty). Second bytes are limited as in table 3-7 of the Unicode
/// standard.
Step step(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return {1, true, false};
  if (lead < 0xC2 || lead > 0xF4) return {1, false, false};
  const std::size_t wanted = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  for (std::size_t i = 1; i < wanted; ++i) {
    if (i == text.size()) return {i, false, true};
    if (at(i) < low || at(i) > high) return {i, false, false};
    low = 0x80;
    high = 0xBF;
  }
  return {wanted, true, false};
}

}  // namespace

std::size_t ascii_prefix(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;
  std::size_t i = 0;
  for (; i + 32 <= text.size(); i += 32) {
    std::uint64_t words[4];
    std::memcpy(words, text.data() + i, sizeof(words));
    if (((words[0] | words[1] | words[2] | words[3]) & kHighBits) != 0) break;
  }
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, sizeof(word));
    if ((word & kHighBits) != 0) return i + static_cast<std::size_t>(std::countr_zero(word & kHighBits)) / 8;
  }
  while (i < text.size() && static_cast<unsigned char>(text[i]) < 0x80) ++i;
  return i;
}

std::size_t find_invalid(std::string_view text) {
  const auto continues = [&](std::size_t i) { return is_continuation(text[i]); };
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      i += ascii_prefix(text.substr(i));
      continue;
    }
    // Runs of two- and three-byte characters without the rare leads that limit their second byte.
    if (lead >= 0xC2 && lead < 0xE0 && i + 1 < text.size() && continues(i + 1)) {
      i += 2;
      continue;
    }
    if (lead > 0xE0 && lead < 0xF0 && lead != 0xED && i + 2 < text.size() && continues(i + 1) && continues(i + 2)) {
      i += 3;
      continue;
    }
    const Step found = step(text.substr(i));
    if (!found.valid) return i;
    i += found.bytes;
  }
  return std::string_view::npos;
}

void append_repaired(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t bad = find_invalid(bytes);
    if (bad == std::string_view::npos) {
      out += bytes;
      return;
    }
    out += bytes.substr(0, bad);
    out += "\xEF\xBF\xBD";
    bytes.remove_prefix(bad + step(bytes.substr(bad)).bytes);
  }
}

std::size_t incomplete_suffix(std::string_view bytes) {
  for (std::size_t back = 1; back <= 3 && back <= bytes.size(); ++back) {
    const char byte = bytes[bytes.size() - back];
    if (is_continuation(byte)) continue;
    const Step found = step(bytes.substr(bytes.size() - back));
    return !found.valid && found.cut && found.bytes == back ? back : 0;
  }
  return 0;
}

}  // namespace cambium::text::utf8
