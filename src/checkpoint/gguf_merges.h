#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace cambium::checkpoint {

/// One token of a SentencePiece BPE vocabulary.
struct ScoredToken {
  std::string_view text;
  std::int64_t id = 0;
  double score = 0;       ///< higher merges earlier
  bool mergeable = true;  ///< false for control, unknown and byte tokens: neither a half nor a whole
};

/// The merges that make a ranked-pair BPE act like SentencePiece: every pair of tokens whose concatenation is a token,
/// the whole's score highest first (equal scores: lower id first), and for one whole by the ids of its halves.
/// Texts are cut between code points only. Cost: O(total characters) look-ups and a sort.
[[nodiscard]] std::vector<std::pair<std::string_view, std::string_view>> merges_from_scores(
    std::span<const ScoredToken> tokens);

}  // namespace cambium::checkpoint
