#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cambium::model {

/// A set of token sequences as a tree: what several have in common from the start is one path, to be computed once.
class PromptTree {
 public:
  static constexpr std::size_t kNone = SIZE_MAX;

  /// A stretch of tokens between two branchings.
  struct Node {
    std::size_t parent = kNone;
    std::vector<std::size_t> children;
    std::size_t sequence = 0;  ///< a sequence through this node: its tokens first .. last-1 are the node's
    std::size_t first = 0, last = 0;
  };

  /// @param sequences  each of at least one token; a token is any number that is equal where the model's input is equal
  /// Cost: one sort, then O(total tokens).
  explicit PromptTree(std::span<const std::vector<std::int64_t>> sequences);

  /// In no particular order; a node's children are in the order of their tokens.
  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  [[nodiscard]] const std::vector<std::size_t>& roots() const { return roots_; }
  /// Node that ends with the last token of a sequence.
  [[nodiscard]] std::size_t end_of(std::size_t sequence) const { return ends_[sequence]; }
  /// Node on a sequence's path that holds the token at a position.
  [[nodiscard]] std::size_t node_at(std::size_t sequence, std::size_t position) const;

 private:
  std::vector<Node> nodes_;
  std::vector<std::size_t> roots_;
  std::vector<std::size_t> ends_;
};

}  // namespace cambium::model
