#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <optional>

#include "text/normalizer.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

constexpr char32_t kHangulFirst = 0xAC00;
constexpr char32_t kHangulLast = 0xD7A3;
constexpr char32_t kLeadFirst = 0x1100;
constexpr char32_t kVowelFirst = 0x1161;
constexpr char32_t kTailFirst = 0x11A7;  // one before the first: no tail
constexpr char32_t kLeads = 19;
constexpr char32_t kVowels = 21;
constexpr char32_t kTails = 28;

/// Characters whose decomposition is younger than Unicode 12.0: the reference leaves them alone.
constexpr std::array<std::pair<char32_t, char32_t>, 9> kYounger{{{0x32FF, 0x32FF},
                                                                 {0xA7F2, 0xA7F4},
                                                                 {0xAB69, 0xAB69},
                                                                 {0x10781, 0x10785},
                                                                 {0x10787, 0x107BA},
                                                                 {0x11938, 0x11938},
                                                                 {0x1E030, 0x1E06D},
                                                                 {0x1F16C, 0x1F16C},
                                                                 {0x1FBF0, 0x1FBF9}}};

bool is_younger(char32_t character) {
  return std::any_of(kYounger.begin(), kYounger.end(),
                     [&](const auto& range) { return character >= range.first && character <= range.second; });
}

const utf8proc_property_t& property(char32_t character) {
  return *utf8proc_get_property(static_cast<utf8proc_int32_t>(character));
}

int combining_class(char32_t character) { return character < 0x300 ? 0 : property(character).combining_class; }

/// Calls part(character) for the full decomposition of `character` (itself if it has none).
template <typename Part>
void decompose(char32_t character, bool compatible, Part&& part) {
  if (character < 0xA0 || is_younger(character)) {
    part(character);
    return;
  }
  std::array<utf8proc_int32_t, 32> parts;
  int last_class = 0;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0));
  const utf8proc_ssize_t count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(character), parts.data(),
                                                         parts.size(), options, &last_class);
  if (count < 1 || static_cast<std::size_t>(count) > parts.size()) {
    part(character);
    return;
  }
  for (utf8proc_ssize_t i = 0; i < count; ++i) part(static_cast<char32_t>(parts[static_cast<std::size_t>(i)]));
}

/// The character that the two make by canonical composition, or 0.
char32_t compose(char32_t first, char32_t second) {
  if (first >= kLeadFirst && first < kLeadFirst + kLeads && second >= kVowelFirst && second < kVowelFirst + kVowels) {
    return kHangulFirst + ((first - kLeadFirst) * kVowels + (second - kVowelFirst)) * kTails;
  }
  if (first >= kHangulFirst && first <= kHangulLast && (first - kHangulFirst) % kTails == 0 && second > kTailFirst &&
      second < kTailFirst + kTails) {
    return first + (second - kTailFirst);
  }
  if (second < 0x300) return 0;
  std::array<utf8proc_int32_t, 3> pair{static_cast<utf8proc_int32_t>(first), static_cast<utf8proc_int32_t>(second), 0};
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  if (utf8proc_normalize_utf32(pair.data(), 2, options) != 1) return 0;
  const auto made = static_cast<char32_t>(pair[0]);
  return is_younger(made) ? 0 : made;
}

/// Letters whose canonical parts do not come together to the same letter (singletons and the excluded compositions).
/// Sorted.
const std::vector<char32_t>& broken_letters() {
  static const std::vector<char32_t> broken = [] {
    std::vector<char32_t> found;
    constexpr char32_t kLastWithParts = 0x2FA1D;
    for (char32_t character = 0xA0; character <= kLastWithParts; ++character) {
      if (character == kHangulFirst) character = kHangulLast + 1;
      const utf8proc_property_t& known = property(character);
      if (known.decomp_seqindex == UINT16_MAX || known.decomp_type != 0) continue;
      char32_t whole = 0;
      decompose(character, false, [&](char32_t part) { whole = whole == 0 ? part : compose(whole, part); });
      if (whole != character) found.push_back(character);
    }
    return found;
  }();
  return broken;
}

/// True if nothing before `character` can change or reorder it and its own form is itself: text may be cut in front of
/// it.
bool is_settled(char32_t character, bool composed, bool compatible) {
  if (character < 0xA0) return true;
  const utf8proc_property_t& known = property(character);
  if (known.combining_class != 0) return false;
  if (composed) {
    // 0x8000: may be the second part of a composition.
    if (known.comb_index != UINT16_MAX && known.comb_index >= 0x8000) return false;
    if (character > kTailFirst && character < kTailFirst + kTails) return false;
    if (character >= kVowelFirst && character < kVowelFirst + kVowels) return false;
  }
  const bool hangul = character >= kHangulFirst && character <= kHangulLast;
  if (hangul) return composed;
  if (known.decomp_seqindex == UINT16_MAX || is_younger(character)) return true;
  const bool canonical = known.decomp_type == 0;
  if (!canonical) return !compatible;
  // A composed letter stays what it is, unless its parts do not come together again or become other letters.
  if (!composed || compatible) return false;
  return !std::binary_search(broken_letters().begin(), broken_letters().end(), character);
}

struct ClassedChange {
  CharChange change;
  int combining_class;
};

/// Decomposes the characters of `text` and puts marks in canonical order.
void decompose_all(std::string_view text, bool compatible, std::vector<ClassedChange>& out) {
  out.clear();
  for (std::size_t position = 0; position < text.size();) {
    std::int32_t change = 0;
    decompose(utf8::next(text, position), compatible, [&](char32_t part) {
      out.push_back({{part, change}, combining_class(part)});
      change = 1;
    });
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i].combining_class == 0) continue;
    const std::size_t begin = i;
    while (i < out.size() && out[i].combining_class != 0) ++i;
    std::stable_sort(
        out.begin() + static_cast<std::ptrdiff_t>(begin), out.begin() + static_cast<std::ptrdiff_t>(i),
        [](const ClassedChange& a, const ClassedChange& b) { return a.combining_class < b.combining_class; });
  }
}

/// Canonical composition: each mark joins the last starter unless a mark of the same or a higher class stands between.
/// A character that was swallowed counts one less in its starter's `change`.
void compose_all(std::vector<ClassedChange>& characters) {
  std::size_t kept = 0;
  std::size_t starter = SIZE_MAX;
  int last_class = -1;  // of the last mark kept since the starter
  for (const ClassedChange& next : characters) {
    if (starter != SIZE_MAX && last_class < next.combining_class) {
      CharChange& base = characters[starter].change;
      if (const char32_t made = compose(base.character, next.change.character); made != 0) {
        base = {made, base.change + next.change.change - 1};
        continue;
      }
    }
    if (next.combining_class == 0) {
      starter = kept;
      last_class = -1;
    } else {
      last_class = next.combining_class;
    }
    characters[kept++] = next;
  }
  characters.resize(kept);
}

class NormalFormNormalizer final : public Normalizer {
 public:
  explicit NormalFormNormalizer(NormalForm form)
      : composed_(form == NormalForm::kNfc || form == NormalForm::kNfkc),
        compatible_(form == NormalForm::kNfkc || form == NormalForm::kNfkd) {}

  void apply(AlignedText& text) const override {
    std::optional<AlignedText::Rewriter> rewriter;
    std::vector<ClassedChange> changes;
    std::string_view source = text.text();
    std::size_t position = utf8::ascii_prefix(source);
    if (position == source.size()) return;
    std::size_t last_settled = position > 0 ? position - 1 : 0;
    while (position < source.size()) {
      const std::size_t start = position;
      if (is_settled(utf8::next(source, position), composed_, compatible_)) {
        last_settled = start;
        continue;
      }
      // The stretch to rewrite goes from the settled character before (it may take marks on) to the next settled one.
      const std::size_t begin = last_settled;
      std::size_t end = position;
      while (end < source.size()) {
        std::size_t behind = end;
        if (is_settled(utf8::next(source, behind), composed_, compatible_)) break;
        end = behind;
      }
      decompose_all(source.substr(begin, end - begin), compatible_, changes);
      if (composed_) compose_all(changes);
      if (differs(source.substr(begin, end - begin), changes)) {
        if (!rewriter) {
          rewriter.emplace(text);
          source = text.text();  // a copy now
        }
        rewriter->keep_until(begin);
        for (const ClassedChange& next : changes) rewriter->change(next.change);
      }
      position = end;
      last_settled = end;
    }
    if (!rewriter) return;
    rewriter->keep_until(source.size());
    rewriter->finish();
  }

 private:
  static bool differs(std::string_view before, const std::vector<ClassedChange>& after) {
    std::size_t position = 0;
    for (const ClassedChange& next : after) {
      if (next.change.change != 0 || position == before.size() ||
          utf8::next(before, position) != next.change.character) {
        return true;
      }
    }
    return position != before.size();
  }

  bool composed_;
  bool compatible_;
};

}  // namespace

NormalizerPtr make_normal_form(NormalForm form) { return std::make_unique<NormalFormNormalizer>(form); }

}  // namespace cambium::text
