#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cambium::lab {

/// A byte-level BPE vocabulary learned from texts (Sennrich et al. 2016 over bytes, as GPT-2's).
struct LearnedVocabulary {
  std::vector<std::string> special;                         ///< ids from 0
  std::vector<std::string> tokens;                          ///< in byte-level letters; ids behind the special ones
  std::vector<std::pair<std::string, std::string>> merges;  ///< best first
};

/// Learns merges until `size` tokens (special ones and the 256 bytes included), or until no pair occurs twice. Ties go
/// to the pair that sorts first, so that the same texts give the same file. Digits are never joined.
/// Cost: O(merges * different words).
/// @throws ValueError  size leaves no room for the 256 bytes
[[nodiscard]] LearnedVocabulary learn_vocabulary(const std::vector<std::string>& texts,
                                                 std::vector<std::string> special, std::size_t size);

/// tokenizer.json as the `tokenizers` library reads it: digits split, then byte-level BPE.
[[nodiscard]] std::string tokenizer_json(const LearnedVocabulary& vocabulary);

}  // namespace cambium::lab
