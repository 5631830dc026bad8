#include "checkpoint/gguf_merges.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace cambium::checkpoint {

std::vector<std::pair<std::string_view, std::string_view>> merges_from_scores(std::span<const ScoredToken> tokens) {
  std::unordered_map<std::string_view, const ScoredToken*> by_text;
  by_text.reserve(tokens.size());
  for (const ScoredToken& token : tokens) {
    if (!token.mergeable) continue;
    by_text.emplace(token.text, &token);
  }
  struct Merge {
    const ScoredToken* whole;
    const ScoredToken* left;
    const ScoredToken* right;
  };
  std::vector<Merge> merges;
  for (const ScoredToken& token : tokens) {
    if (!token.mergeable) continue;
    for (std::size_t cut = 1; cut < token.text.size(); ++cut) {
      if ((static_cast<unsigned char>(token.text[cut]) & 0xC0U) == 0x80U) continue;  // inside a code point
      const auto left = by_text.find(token.text.substr(0, cut));
      if (left == by_text.end()) continue;
      const auto right = by_text.find(token.text.substr(cut));
      if (right != by_text.end()) merges.push_back({&token, left->second, right->second});
    }
  }
  std::ranges::sort(merges, {}, [](const Merge& merge) {
    return std::tuple(-merge.whole->score, merge.whole->id, merge.left->id, merge.right->id);
  });
  std::vector<std::pair<std::string_view, std::string_view>> result;
  result.reserve(merges.size());
  for (const Merge& merge : merges) result.emplace_back(merge.left->text, merge.right->text);
  return result;
}

}  // namespace cambium::checkpoint
