#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::tasks::ifeval {

/// How often each sequence of one to three characters occurs in 55 languages, and what counts as the same character.
/// Source: the profiles of langdetect 1.0.9, made from Wikipedia abstracts.
class LanguageProfiles {
 public:
  /// Share of a sequence among those of its length in one language.
  struct Share {
    std::uint32_t language;
    double share;
  };

  /// Decoded on first use (about 20 ms, 6 MiB), then kept.
  [[nodiscard]] static const LanguageProfiles& get();

  /// ISO 639-1 codes in alphabetical order; "zh-cn" and "zh-tw".
  [[nodiscard]] std::span<const std::string> languages() const { return languages_; }
  /// Position of a sequence of 1..3 characters, nothing if no language has it.
  [[nodiscard]] std::optional<std::uint32_t> find(std::u32string_view sequence) const;
  [[nodiscard]] std::span<const Share> shares(std::uint32_t sequence) const;
  /// The representative of a Han character's class; other characters are their own.
  [[nodiscard]] char32_t representative(char32_t han) const;
  /// A Vietnamese letter and a mark as one character; nothing for other pairs.
  [[nodiscard]] std::optional<char32_t> composed(char32_t letter, char32_t mark) const;

 private:
  LanguageProfiles();
  std::vector<std::string> languages_;
  std::vector<std::uint64_t> keys_;     ///< of the sequences, ascending
  std::vector<std::uint32_t> offsets_;  ///< into shares_, one more than keys
  std::vector<Share> shares_;
  std::vector<std::pair<char32_t, char32_t>> han_;              ///< ascending
  std::vector<std::pair<std::uint64_t, char32_t>> vietnamese_;  ///< ascending
};

}  // namespace cambium::tasks::ifeval
