#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace cambium::tasks::ifeval {

/// The English Punkt model: 156 abbreviations, 37 collocations, 39 frequent first words and the orthographic contexts
/// of 20,366 words. Words are in lower case, numbers are "##number##".
class PunktParameters {
 public:
  /// Where a word was seen: bits.
  enum Context : std::uint8_t {
    kFirstUpper = 1U << 1U,
    kInnerUpper = 1U << 2U,
    kUnknownUpper = 1U << 3U,
    kFirstLower = 1U << 4U,
    kInnerLower = 1U << 5U,
    kUnknownLower = 1U << 6U,
    kUpper = kFirstUpper | kInnerUpper | kUnknownUpper,
    kLower = kFirstLower | kInnerLower | kUnknownLower,
  };

  /// Decoded on first use, then kept.
  [[nodiscard]] static const PunktParameters& english();

  [[nodiscard]] bool is_abbreviation(std::string_view word) const { return abbreviations_.contains(word); }
  [[nodiscard]] bool starts_sentences(std::string_view word) const { return starters_.contains(word); }
  [[nodiscard]] bool is_collocation(std::string_view first, std::string_view second) const {
    return collocations_.contains({first, second});
  }
  /// 0 for a word never seen.
  [[nodiscard]] unsigned contexts(std::string_view word) const;

 private:
  PunktParameters();
  std::string table_;  ///< what the views below point into
  std::unordered_set<std::string_view> abbreviations_;
  std::unordered_set<std::string_view> starters_;
  std::set<std::pair<std::string_view, std::string_view>> collocations_;
  std::unordered_map<std::string_view, std::uint8_t> contexts_;
};

}  // namespace cambium::tasks::ifeval
