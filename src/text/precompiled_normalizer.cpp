#include <fmt/format.h>
#include <utf8proc.h>

#include <cstring>
#include <optional>

#include "text/base64.h"
#include "text/json_part.h"
#include "text/normalizer.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

/// Sentencepiece's compiled character map: a double-array trie (Darts) from strings to places in a block of
/// zero-terminated replacements. Layout: uint32 size of the trie in bytes, the trie's 32-bit units, the block.
///
/// A unit holds a byte's label in its low 8 bits (bit 31 set: it is a leaf and the rest is its value), "a value hangs
/// below" in bit 8, and the distance to the children from bit 10 on (times 256 if bit 9 is set).
class CharacterMap {
 public:
  CharacterMap(std::string_view compiled, const JsonPart& part) {
    std::uint32_t trie_bytes = 0;
    if (compiled.size() < sizeof(trie_bytes)) part.fail("the character map is shorter than its header");
    std::memcpy(&trie_bytes, compiled.data(), sizeof(trie_bytes));
    compiled.remove_prefix(sizeof(trie_bytes));
    if (trie_bytes % 4 != 0 || trie_bytes > compiled.size()) {
      part.fail(
          fmt::format("the character map says its trie has {} bytes, but {} follow", trie_bytes, compiled.size()));
    }
    units_.resize(trie_bytes / 4);
    std::memcpy(units_.data(), compiled.data(), trie_bytes);
    replacements_ = compiled.substr(trie_bytes);
    if (utf8::find_invalid(replacements_) != std::string_view::npos)
      part.fail("the character map's replacements are not UTF-8");
  }

  /// Replacement of the shortest string in the map that `text` starts with.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view text) const {
    if (units_.empty()) return std::nullopt;
    std::size_t node = children(units_[0]);
    for (const char byte : text) {
      node ^= static_cast<unsigned char>(byte);
      if (byte == 0 || node >= units_.size()) return std::nullopt;
      const std::uint32_t unit = units_[node];
      if ((unit & 0x800000FFU) != static_cast<unsigned char>(byte)) return std::nullopt;
      node ^= children(unit);
      if ((unit >> 8U & 1U) == 0) continue;
      if (node >= units_.size()) return std::nullopt;
      const std::size_t place = units_[node] & 0x7FFFFFFFU;
      if (place >= replacements_.size() || utf8::is_continuation(replacements_[place])) return std::nullopt;
      const std::string_view rest = std::string_view(replacements_).substr(place);
      return rest.substr(0, rest.find('\0'));
    }
    return std::nullopt;
  }

 private:
  static std::size_t children(std::uint32_t unit) { return unit >> 10U << ((unit & 0x200U) >> 6U); }

  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

class PrecompiledNormalizer final : public Normalizer {
 public:
  explicit PrecompiledNormalizer(CharacterMap map) : map_(std::move(map)) {}

  /// Looks up each user-perceived character of less than six bytes as a whole, then each character: what the reference
  /// does, so that a letter with a mark can have a replacement of its own.
  void apply(AlignedText& text) const override {
    const std::string_view source = text.text();
    std::vector<CharChange> changes;
    bool changed = false;
    constexpr std::size_t kLongestWhole = 5;
    for (std::size_t begin = 0; begin < source.size();) {
      const std::size_t end = cluster_end(source, begin);
      const std::string_view cluster = source.substr(begin, end - begin);
      const auto whole = cluster.size() <= kLongestWhole ? map_.find(cluster) : std::nullopt;
      if (whole) {
        replace(cluster, *whole, changes);
        changed = true;
      }
      for (std::size_t place = begin; place < end && !whole;) {
        const std::size_t start = place;
        const char32_t character = utf8::next(source, place);
        if (const auto one = map_.find(source.substr(start, place - start))) {
          replace(source.substr(start, place - start), *one, changes);
          changed = true;
        } else {
          changes.push_back({character, 0});
        }
      }
      begin = end;
    }
    if (!changed) return;
    AlignedText::Rewriter rewriter(text);
    for (const CharChange& change : changes) rewriter.change(change);
    rewriter.finish();
  }

 private:
  static void replace(std::string_view old, std::string_view by, std::vector<CharChange>& changes) {
    const auto before = static_cast<std::int32_t>(utf8::count(old));
    std::int32_t after = 0;
    for (std::size_t position = 0; position < by.size(); ++after) {
      changes.push_back({utf8::next(by, position), after < before ? 0 : 1});
    }
    // What is left over goes to the last character written, be it of an earlier replacement; at the very start there is
    // none, and the reference then lets the text behind take the places of what is gone.
    if (after < before && !changes.empty()) changes.back().change += after - before;
  }

  /// End of the extended grapheme cluster that begins at `begin`.
  static std::size_t cluster_end(std::string_view text, std::size_t begin) {
    std::size_t position = begin;
    auto previous = static_cast<utf8proc_int32_t>(utf8::next(text, position));
    utf8proc_int32_t state = 0;
    while (position < text.size()) {
      std::size_t behind = position;
      const auto next = static_cast<utf8proc_int32_t>(utf8::next(text, behind));
      if (utf8proc_grapheme_break_stateful(previous, next, &state) != 0) break;
      previous = next;
      position = behind;
    }
    return position;
  }

  CharacterMap map_;
};

}  // namespace

NormalizerPtr make_precompiled_normalizer(const JsonPart& part) {
  const JsonPart field = part.at("precompiled_charsmap");
  const auto compiled = from_base64(field.string());
  if (!compiled) field.fail("must be base64");
  return std::make_unique<PrecompiledNormalizer>(CharacterMap(*compiled, field));
}

}  // namespace cambium::text
