#include "eval/heads_tree.h"

#include <algorithm>
#include <map>

#include "model/engine/prompt_tree.h"

namespace cambium::eval {
namespace {

constexpr std::size_t kBlock = model::BlockPool::kBlockTokens;

// What the model reads at each position, as numbers: ids, or negative ones for rows that stand in (equal exactly if the
// rows are).
std::vector<std::int64_t> keys_of(const model::Prompt& prompt, const std::vector<std::int32_t>& ids) {
  std::vector<std::int64_t> keys(ids.begin(), ids.end());
  for (const model::EmbeddingRows& rows : prompt.embeddings) {
    for (std::size_t i = 0; i < rows.count; ++i) {
      const std::uint64_t mixed = (rows.identity ^ (i + 1) * 0x9e3779b97f4a7c15ULL) * 0xbf58476d1ce4e5b9ULL;
      keys[rows.position + i] = -1 - static_cast<std::int64_t>(mixed >> 2U);
    }
  }
  return keys;
}

// The row that stands in at a position, or null.
const float* embedding_at(const model::Prompt& prompt, std::size_t position, std::size_t hidden) {
  for (const model::EmbeddingRows& rows : prompt.embeddings) {
    if (position >= rows.position && position < rows.position + rows.count)
      return rows.values->data() + (position - rows.position) * hidden;
  }
  return nullptr;
}

// Rope types that go by the sequence's length let only sequences of one length share anything.
std::int64_t own_rope_length(const model::DecoderConfig& config, std::size_t length) {
  for (const model::RopeConfig& rope : config.ropes) {
    if (static_cast<std::int64_t>(length) > rope.fixed_up_to()) return static_cast<std::int64_t>(length);
  }
  return 0;
}

}  // namespace

std::size_t tokens_of(const MaskedQuestion& question) {
  std::size_t tokens = 0;
  const model::Prompt* before = nullptr;
  for (const MaskedOption& option : question.options) {
    tokens += option.continuation.size() - 1;
    if (before == nullptr || before->ids != option.context.ids) tokens += option.context.ids.size();
    before = &option.context;
  }
  return tokens;
}

QuestionTree::QuestionTree(std::span<const MaskedQuestion> questions, const model::DecoderConfig& config) {
  std::map<std::int64_t, std::vector<Path>> groups;
  for (std::size_t q = 0; q < questions.size(); ++q) {
    for (std::size_t o = 0; o < questions[q].options.size(); ++o) {
      const MaskedOption& option = questions[q].options[o];
      Path path{&option, q, o, option.context.ids};
      path.ids.insert(path.ids.end(), option.continuation.begin(), option.continuation.end() - 1);
      groups[own_rope_length(config, path.ids.size())].push_back(std::move(path));
    }
  }
  std::vector<std::vector<Use>> by_row;
  for (const auto& [rope_length, paths] : groups)
    plant(paths, rope_length, static_cast<std::size_t>(config.hidden_size), by_row);
  for (std::size_t row = 0; row < by_row.size(); ++row) {
    if (by_row[row].empty()) continue;
    first_use_.push_back(uses_.size());
    for (Use& use : by_row[row]) {
      use.wanted = wanted_.size();
      uses_.push_back(use);
    }
    wanted_.push_back(row);
  }
  first_use_.push_back(uses_.size());
}

void QuestionTree::plant(const std::vector<Path>& paths, std::int64_t rope_length, std::size_t hidden,
                         std::vector<std::vector<Use>>& by_row) {
  std::vector<std::vector<std::int64_t>> keys;
  for (const Path& path : paths) keys.push_back(keys_of(path.option->context, path.ids));
  const model::PromptTree tree(keys);
  const std::size_t base = nodes_.size();
  for (const model::PromptTree::Node& planted : tree.nodes()) {
    const Path& path = paths[planted.sequence];
    Node node;
    if (planted.parent != model::PromptTree::kNone) node.parent = base + planted.parent;
    node.first = planted.first;
    node.last = planted.last;
    node.first_row = rows_;
    node.rope_length = rope_length;
    node.ids.assign(path.ids.begin() + static_cast<std::ptrdiff_t>(planted.first),
                    path.ids.begin() + static_cast<std::ptrdiff_t>(planted.last));
    if (!path.option->context.embeddings.empty()) {
      for (std::size_t at = planted.first; at < planted.last; ++at)
        node.embeddings.push_back(embedding_at(path.option->context, at, hidden));
    }
    node.first_block = blocks_;
    blocks_ += (node.last + kBlock - 1) / kBlock - node.first / kBlock;
    rows_ += node.last - node.first;
    nodes_.push_back(std::move(node));
  }
  by_row.resize(rows_);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Path& path = paths[i];
    const std::size_t context = path.option->context.ids.size();
    for (std::size_t t = 0; t < path.option->continuation.size(); ++t) {
      const std::size_t position = context + t - 1;
      const Node& node = nodes_[base + tree.node_at(i, position)];
      by_row[node.first_row + position - node.first].push_back(
          {0, path.option->continuation[t], path.question, path.number});
    }
  }
}

QuestionTree::Copy::Copy(const QuestionTree& tree, std::span<const model::BlockId> blocks)
    : tree_(tree), tables_(tree.nodes_.size()), mirrors_(tree.nodes_.size()) {
  std::vector<bool> made(tree.nodes_.size(), false);
  // Parents first, whatever their numbers.
  const auto make = [&](const auto& self, std::size_t index) -> void {
    if (made[index]) return;
    made[index] = true;
    const Node& node = tree.nodes_[index];
    const std::size_t own = node.first / kBlock;
    if (node.parent != SIZE_MAX) {
      self(self, node.parent);
      const auto& above = tables_[node.parent];
      tables_[index].assign(above.begin(), above.begin() + static_cast<std::ptrdiff_t>(own));
    }
    const std::size_t count = (node.last + kBlock - 1) / kBlock - own;
    for (std::size_t b = 0; b < count; ++b) tables_[index].push_back(blocks[node.first_block + b]);
    // A block that begins with ancestors' tokens gets these from them.
    for (std::size_t at = node.parent; node.first % kBlock != 0 && at != SIZE_MAX; at = tree.nodes_[at].parent) {
      if (tree.nodes_[at].last <= own * kBlock) break;
      mirrors_[at].push_back({own, tables_[index][own]});
    }
  };
  for (std::size_t i = 0; i < tree.nodes_.size(); ++i) make(make, i);
}

void QuestionTree::Copy::append(std::vector<model::StepSequence>& sequences, const model::HeadMask* heads_off) const {
  for (std::size_t i = 0; i < tree_.nodes_.size(); ++i) {
    const Node& node = tree_.nodes_[i];
    model::StepSequence sequence;
    sequence.blocks = tables_[i];
    sequence.first_position = static_cast<std::int64_t>(node.first);
    sequence.ids = node.ids;
    sequence.embeddings = node.embeddings;
    sequence.rope_length = node.rope_length;
    sequence.heads_off = heads_off;
    sequence.mirrors = mirrors_[i];
    sequences.push_back(sequence);
  }
}

}  // namespace cambium::eval
