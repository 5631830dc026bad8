#include "model/engine/prompt_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace cambium::model {
namespace {

using Sequences = std::vector<std::vector<std::int64_t>>;

// A sequence read back along its path.
std::vector<std::int64_t> read(const PromptTree& tree, const Sequences& sequences, std::size_t sequence) {
  std::vector<std::int64_t> tokens;
  for (std::size_t node = tree.end_of(sequence); node != PromptTree::kNone; node = tree.nodes()[node].parent) {
    const PromptTree::Node& n = tree.nodes()[node];
    const auto& from = sequences[n.sequence];
    tokens.insert(tokens.begin(), from.begin() + static_cast<std::ptrdiff_t>(n.first),
                  from.begin() + static_cast<std::ptrdiff_t>(n.last));
  }
  return tokens;
}

std::size_t total(const PromptTree& tree) {
  std::size_t tokens = 0;
  for (const PromptTree::Node& node : tree.nodes()) tokens += node.last - node.first;
  return tokens;
}

TEST(PromptTree, HoldsWhatIsCommonOnce) {
  const Sequences sequences{{1, 2, 3, 4}, {1, 2, 5}, {1, 2}, {7}, {1, 2, 3, 4}};
  const PromptTree tree(sequences);
  EXPECT_EQ(total(tree), 6U);  // 1 2, 3 4, 5, 7
  EXPECT_EQ(tree.roots().size(), 2U);
  EXPECT_EQ(tree.end_of(0), tree.end_of(4));
  EXPECT_EQ(tree.node_at(0, 1), tree.end_of(2));
  EXPECT_EQ(tree.node_at(1, 0), tree.end_of(2));
  for (std::size_t i = 0; i < sequences.size(); ++i) EXPECT_EQ(read(tree, sequences, i), sequences[i]);
}

TEST(PromptTree, HoldsEachDistinctPrefixOnceForRandomSequences) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    Sequences sequences(1 + random() % 12);
    for (auto& sequence : sequences) {
      sequence.resize(1 + random() % 8);
      for (auto& token : sequence) token = random() % 3;
    }
    const PromptTree tree(sequences);
    std::set<std::vector<std::int64_t>> prefixes;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      ASSERT_EQ(read(tree, sequences, i), sequences[i]);
      for (std::size_t n = 1; n <= sequences[i].size(); ++n) {
        prefixes.insert({sequences[i].begin(), sequences[i].begin() + static_cast<std::ptrdiff_t>(n)});
        const PromptTree::Node& node = tree.nodes()[tree.node_at(i, n - 1)];
        ASSERT_TRUE(node.first <= n - 1 && n - 1 < node.last);
      }
    }
    ASSERT_EQ(total(tree), prefixes.size());
    for (std::size_t i = 0; i < tree.nodes().size(); ++i) {
      for (const std::size_t child : tree.nodes()[i].children) ASSERT_EQ(tree.nodes()[child].parent, i);
    }
  }
}

}  // namespace
}  // namespace cambium::model
