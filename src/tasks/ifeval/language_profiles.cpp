#include "tasks/ifeval/language_profiles.h"

#include <algorithm>

#include "tasks/ifeval/embedded_tables.h"
#include "text/jinja_unicode.h"

namespace cambium::tasks::ifeval {
namespace {

constexpr std::size_t kLongest = 3;
constexpr unsigned kCharacterBits = 21;

std::uint64_t key_of(std::u32string_view sequence) {
  std::uint64_t key = 0;
  for (const char32_t c : sequence) key = key << kCharacterBits | c;
  return key;
}

template <class Key, class Mapped>
const Mapped* find_in(const std::vector<std::pair<Key, Mapped>>& table, Key key) {
  const auto found = std::ranges::lower_bound(table, key, {}, &std::pair<Key, Mapped>::first);
  return found != table.end() && found->first == key ? &found->second : nullptr;
}

}  // namespace

const LanguageProfiles& LanguageProfiles::get() {
  static const LanguageProfiles profiles;
  return profiles;
}

LanguageProfiles::LanguageProfiles() {
  const std::string table = language_table();
  TableReader reader(table);
  std::vector<std::array<double, kLongest>> totals(reader.number());
  for (auto& of_language : totals) {
    languages_.emplace_back(reader.text());
    for (double& total : of_language) total = static_cast<double>(reader.number());
  }
  const std::size_t sequences = reader.number();
  keys_.reserve(sequences);
  offsets_.reserve(sequences + 1);
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < sequences; ++i) {
    key += reader.number();
    keys_.push_back(key);
    offsets_.push_back(static_cast<std::uint32_t>(shares_.size()));
    const std::size_t length = key >> (2 * kCharacterBits) != 0 ? 3 : key >> kCharacterBits != 0 ? 2 : 1;
    for (std::size_t left = reader.number(); left > 0; --left) {
      const auto language = static_cast<std::uint32_t>(reader.number());
      shares_.push_back({language, static_cast<double>(reader.number()) / totals[language][length - 1]});
    }
  }
  offsets_.push_back(static_cast<std::uint32_t>(shares_.size()));
  for (std::size_t classes = reader.number(); classes > 0; --classes) {
    const std::u32string members = text::jinja::to_code_points(reader.text());
    for (const char32_t member : members) han_.emplace_back(member, members.front());
  }
  for (std::size_t pairs = reader.number(); pairs > 0; --pairs) {
    const std::uint64_t letter = reader.number();
    const std::uint64_t mark = reader.number();
    vietnamese_.emplace_back(letter << kCharacterBits | mark, static_cast<char32_t>(reader.number()));
  }
  // A character of two classes belongs to the last, as where the classes are read one by one.
  std::ranges::stable_sort(han_, {}, &std::pair<char32_t, char32_t>::first);
  std::vector<std::pair<char32_t, char32_t>> last;
  for (const auto& entry : han_) {
    if (!last.empty() && last.back().first == entry.first) last.pop_back();
    last.push_back(entry);
  }
  han_ = std::move(last);
  std::ranges::sort(vietnamese_);
}

std::optional<std::uint32_t> LanguageProfiles::find(std::u32string_view sequence) const {
  const std::uint64_t key = key_of(sequence);
  const auto found = std::ranges::lower_bound(keys_, key);
  if (found == keys_.end() || *found != key) return std::nullopt;
  return static_cast<std::uint32_t>(found - keys_.begin());
}

std::span<const LanguageProfiles::Share> LanguageProfiles::shares(std::uint32_t sequence) const {
  return std::span(shares_).subspan(offsets_[sequence], offsets_[sequence + 1] - offsets_[sequence]);
}

char32_t LanguageProfiles::representative(char32_t han) const {
  const char32_t* found = find_in(han_, han);
  return found == nullptr ? han : *found;
}

std::optional<char32_t> LanguageProfiles::composed(char32_t letter, char32_t mark) const {
  const char32_t* found = find_in(vietnamese_, static_cast<std::uint64_t>(letter) << kCharacterBits | mark);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

}  // namespace cambium::tasks::ifeval
