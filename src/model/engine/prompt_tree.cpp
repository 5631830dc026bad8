#include "model/engine/prompt_tree.h"

#include <algorithm>
#include <numeric>

namespace cambium::model {

namespace {

std::size_t common_length(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

}  // namespace

PromptTree::PromptTree(std::span<const std::vector<std::int64_t>> sequences) : ends_(sequences.size(), kNone) {
  std::vector<std::size_t> order(sequences.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return sequences[a] < sequences[b]; });

  std::vector<std::size_t> path;  // nodes of the sequence before, from its root
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::vector<std::int64_t>& tokens = sequences[order[i]];
    const std::size_t shared = i == 0 ? 0 : common_length(sequences[order[i - 1]], tokens);
    while (!path.empty() && nodes_[path.back()].first >= shared) path.pop_back();
    if (!path.empty() && nodes_[path.back()].last > shared) {
      // The branch is inside this node: it keeps its tail (and its number), a new node takes the common part.
      const std::size_t tail = path.back(), head = nodes_.size();
      nodes_.push_back({nodes_[tail].parent, {tail}, nodes_[tail].sequence, nodes_[tail].first, shared});
      std::vector<std::size_t>& siblings = nodes_[tail].parent == kNone ? roots_ : nodes_[nodes_[tail].parent].children;
      std::replace(siblings.begin(), siblings.end(), tail, head);
      nodes_[tail].parent = head;
      nodes_[tail].first = shared;
      path.back() = head;
    }
    if (shared < tokens.size()) {
      const std::size_t parent = path.empty() ? kNone : path.back(), added = nodes_.size();
      nodes_.push_back({parent, {}, order[i], shared, tokens.size()});
      (parent == kNone ? roots_ : nodes_[parent].children).push_back(added);
      path.push_back(added);
    }
    ends_[order[i]] = path.back();
  }
}

std::size_t PromptTree::node_at(std::size_t sequence, std::size_t position) const {
  std::size_t node = ends_[sequence];
  while (nodes_[node].first > position) node = nodes_[node].parent;
  return node;
}

}  // namespace cambium::model
