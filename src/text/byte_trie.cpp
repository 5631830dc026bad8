#include "text/byte_trie.h"

#include <algorithm>

namespace cambium::text {

ByteTrie::ByteTrie(std::vector<std::pair<std::string_view, std::int32_t>> keys) {
  std::erase_if(keys, [](const auto& key) { return key.first.empty(); });
  std::stable_sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  keys.erase(std::unique(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.first == b.first; }),
             keys.end());
  if (keys.empty()) return;
  for (const auto& [key, value] : keys) starts_[static_cast<unsigned char>(key.front())] = true;

  // Breadth first, so that recursion depth does not depend on the keys: each pending node is a range of keys sharing
  // `depth` bytes.
  struct Pending {
    std::size_t begin;
    std::size_t end;
    std::size_t depth;
  };
  std::vector<Pending> queue{{0, keys.size(), 0}};
  nodes_.emplace_back();
  for (std::size_t node = 0; node < queue.size(); ++node) {
    auto [begin, end, depth] = queue[node];
    if (keys[begin].first.size() == depth) nodes_[node].value = keys[begin++].second;
    const std::size_t first_edge = labels_.size();
    while (begin < end) {
      const char label = keys[begin].first[depth];
      std::size_t stop = begin + 1;
      while (stop < end && keys[stop].first[depth] == label) ++stop;
      labels_.push_back(static_cast<unsigned char>(label));
      targets_.push_back(static_cast<std::uint32_t>(nodes_.size()));
      nodes_.emplace_back();
      queue.push_back({begin, stop, depth + 1});
      begin = stop;
    }
    const std::size_t edges = labels_.size() - first_edge;
    constexpr std::size_t kManyEdges = 12;
    if (edges <= kManyEdges) {
      nodes_[node].first = static_cast<std::uint32_t>(first_edge);
      nodes_[node].edges = static_cast<std::uint16_t>(edges);
      continue;
    }
    nodes_[node].first = static_cast<std::uint32_t>(tables_.size());
    nodes_[node].edges = kTable;
    tables_.resize(tables_.size() + 256, 0);
    for (std::size_t i = first_edge; i < labels_.size(); ++i) tables_[nodes_[node].first + labels_[i]] = targets_[i];
    labels_.resize(first_edge);
    targets_.resize(first_edge);
  }
}

}  // namespace cambium::text
