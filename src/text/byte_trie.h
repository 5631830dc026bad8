#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace cambium::text {

/// A fixed set of byte strings with a number each, for finding which of them start at a place of a text.
///
/// Build: sort, then one pass (about 0.1 s for 250,000 tokens). A node's edges lie side by side; nodes with many edges
/// have a table.
class ByteTrie {
 public:
  ByteTrie() = default;
  /// @param keys  strings with their values (>= 0); empty strings are left out, of equal strings the first counts
  explicit ByteTrie(std::vector<std::pair<std::string_view, std::int32_t>> keys);

  [[nodiscard]] bool empty() const { return nodes_.empty(); }
  /// True if some key starts with this byte.
  [[nodiscard]] bool starts(char byte) const { return starts_[static_cast<unsigned char>(byte)]; }

  /// Calls found(length, value) for every key that `text` starts with, shortest first.
  template <typename Found>
  void prefixes(std::string_view text, Found&& found) const {
    if (nodes_.empty()) return;
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = child(node, static_cast<unsigned char>(text[i]));
      if (node == 0) return;
      if (nodes_[node].value >= 0) found(i + 1, nodes_[node].value);
    }
  }

  struct Match {
    std::size_t length = 0;  // 0: none
    std::int32_t value = -1;
  };
  /// The longest key that `text` starts with.
  [[nodiscard]] Match longest(std::string_view text) const {
    Match best;
    prefixes(text, [&](std::size_t length, std::int32_t value) { best = {length, value}; });
    return best;
  }

 private:
  struct Node {
    std::uint32_t first = 0;  // of its edges in labels_ and targets_, or of its table in tables_
    std::uint16_t edges = 0;  // kTable: a table of 256 targets
    std::int32_t value = -1;
  };
  static constexpr std::uint16_t kTable = 0xFFFF;

  /// Node behind the edge, or 0 (the root is nobody's child).
  [[nodiscard]] std::uint32_t child(std::uint32_t node, unsigned char byte) const {
    const Node& from = nodes_[node];
    if (from.edges == kTable) return tables_[from.first + byte];
    const unsigned char* labels = labels_.data() + from.first;
    for (std::uint16_t i = 0; i < from.edges; ++i) {
      if (labels[i] == byte) return targets_[from.first + i];
    }
    return 0;
  }

  std::vector<Node> nodes_;
  std::vector<unsigned char> labels_;
  std::vector<std::uint32_t> targets_;
  std::vector<std::uint32_t> tables_;
  bool starts_[256] = {};
};

}  // namespace cambium::text
