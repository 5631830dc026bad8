#include "eval/heads_scoring.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "eval/heads_tree.h"
#include "model/engine/engine.h"
#include "model/native/row_kernels.h"
#include "tensor/error.h"

namespace cambium::eval {
namespace {

using model::BlockId;
using model::HeadMask;
using model::NativeDecoder;
using model::StepSequence;

constexpr std::size_t kMostActivationBytes = std::size_t{512} << 20U;

void check(const model::DecoderConfig& config, std::span<const MaskedQuestion> questions,
           std::span<const HeadSet> masks) {
  for (std::size_t q = 0; q < questions.size(); ++q) {
    for (const MaskedOption& option : questions[q].options) {
      const std::size_t length = option.context.ids.size() + option.continuation.size();
      if (option.context.ids.empty() || option.continuation.empty())
        throw ValueError(fmt::format("question {}: an empty prompt or option", q));
      if (length > model::context_length(config) + 1)
        throw ValueError(fmt::format("question {}: {} tokens are more than the model's context of {}", q, length,
                                     model::context_length(config)));
      for (const auto* ids : {&option.context.ids, &option.continuation}) {
        for (const std::int32_t id : *ids) {
          if (id < 0 || id >= config.vocab_size)
            throw ValueError(fmt::format("question {}: the model has no row for the token {}", q, id));
        }
      }
    }
  }
  for (const HeadSet& mask : masks) {
    if (mask.heads.empty()) throw ValueError("a set of heads is empty");
    for (const auto& [layer, head] : mask.heads) {
      if (layer >= static_cast<std::size_t>(config.num_layers) || head >= static_cast<std::size_t>(config.num_heads)) {
        throw ValueError(fmt::format("there is no head {} in layer {}: the model has {} layers of {} heads", head,
                                     layer, config.num_layers, config.num_heads));
      }
    }
  }
}

/// Blocks that are given back at the end.
class HeldBlocks {
 public:
  HeldBlocks(model::BlockPool& pool, std::size_t count) : pool_(pool) {
    blocks_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) blocks_.push_back(pool.allocate());
  }
  ~HeldBlocks() {
    for (const BlockId block : blocks_) pool_.remove_holder(block);
  }
  HeldBlocks(const HeldBlocks&) = delete;
  HeldBlocks& operator=(const HeldBlocks&) = delete;
  [[nodiscard]] std::span<const BlockId> all() const { return blocks_; }

 private:
  model::BlockPool& pool_;
  std::vector<BlockId> blocks_;
};

class MaskedScorer {
 public:
  MaskedScorer(NativeDecoder& decoder, std::span<const MaskedQuestion> questions, std::span<const HeadSet> masks,
               const MaskedScoringOptions& options, const MaskedScores& receive)
      : decoder_(decoder), questions_(questions), masks_(masks), options_(options), receive_(receive) {
    const model::DecoderConfig& config = decoder.config();
    const auto layers = static_cast<std::size_t>(config.num_layers), heads = static_cast<std::size_t>(config.num_heads);
    for (const HeadSet& mask : masks) {
      off_.emplace_back(layers, heads);
      for (const auto& [layer, head] : mask.heads) off_.back().switch_off(layer, head);
    }
    order_.resize(masks.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::ranges::stable_sort(order_, {}, [&](std::size_t i) { return masks[i].lowest_layer(); });
    const auto attention = static_cast<std::size_t>(config.num_heads * config.head_dim);
    const auto hidden = static_cast<std::size_t>(config.hidden_size);
    const std::size_t kept = model::LayerTrace::bytes_per_token(layers, hidden, attention);
    const std::size_t running =
        sizeof(float) * (4 * hidden + 4 * attention + 2 * static_cast<std::size_t>(config.intermediate_size));
    most_rows_ = std::clamp<std::size_t>(kMostActivationBytes / running, 64, options.step_rows);
    batch_rows_ = std::min(most_rows_, std::max<std::size_t>(64, options.trace_bytes / kept));
  }

  void run() {
    const std::vector<std::size_t> order = by_content();
    std::size_t done = 0;
    for (std::size_t begin = 0; begin < order.size();) {
      const std::size_t end = batch_end(order, begin);
      run_batch(std::span(order).subspan(begin, end - begin), static_cast<double>(done), static_cast<double>(end));
      begin = done = end;
    }
  }

 private:
  // Questions with a common beginning stand together.
  std::vector<std::size_t> by_content() const {
    std::vector<std::size_t> order(questions_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
      return questions_[a].options.front().context.ids < questions_[b].options.front().context.ids;
    });
    return order;
  }

  // As many questions as fit; what one has in common with the one before is counted once.
  std::size_t batch_end(const std::vector<std::size_t>& order, std::size_t begin) const {
    std::size_t rows = 0, end = begin;
    for (; end < order.size(); ++end) {
      const MaskedQuestion& question = questions_[order[end]];
      std::size_t added = tokens_of(question);
      if (end > begin) {
        const auto& before = questions_[order[end - 1]].options.front().context.ids;
        const auto& ids = question.options.front().context.ids;
        added -= std::min(
            added, static_cast<std::size_t>(std::mismatch(before.begin(), before.end(), ids.begin(), ids.end()).first -
                                            before.begin()));
      }
      if (end > begin && rows + added > batch_rows_) break;
      rows += added;
    }
    return end;
  }

  void run_batch(std::span<const std::size_t> numbers, double done, double end) {
    std::vector<MaskedQuestion> questions;
    for (const std::size_t number : numbers) questions.push_back(questions_[number]);
    const QuestionTree tree(questions, decoder_.config());
    const std::size_t free = decoder_.cache().free_blocks();
    const std::size_t copies =
        std::min({std::max<std::size_t>(1, most_rows_ / tree.rows()), free / std::max<std::size_t>(1, tree.blocks()),
                  std::max<std::size_t>(1, masks_.size())});
    if (copies == 0) {
      throw ValueError(
          fmt::format("a batch of {} tokens needs {} blocks of the cache, and {} are free; give more with "
                      "--cache-memory",
                      tree.rows(), tree.blocks(), free));
    }
    const HeldBlocks blocks(decoder_.cache(), copies * tree.blocks());
    std::vector<QuestionTree::Copy> placed;
    for (std::size_t c = 0; c < copies; ++c)
      placed.emplace_back(tree, blocks.all().subspan(c * tree.blocks(), tree.blocks()));

    std::vector<StepSequence> sequences;
    placed[0].append(sequences, nullptr);
    decoder_.trace(sequences, tree.wanted(), consumer(tree, 1), trace_);
    deliver(tree, questions, numbers, kUnmasked, 0);
    report(done, end, 0);
    for (std::size_t begin = 0; begin < order_.size();) {
      // Masks with one lowest layer, as many as there are copies.
      const std::size_t layer = masks_[order_[begin]].lowest_layer();
      std::size_t last = begin;
      while (last < order_.size() && last - begin < copies && masks_[order_[last]].lowest_layer() == layer) ++last;
      sequences.clear();
      std::vector<std::size_t> wanted;
      for (std::size_t i = begin; i < last; ++i) {
        placed[i - begin].append(sequences, &off_[order_[i]]);
        for (const std::size_t row : tree.wanted()) wanted.push_back((i - begin) * tree.rows() + row);
      }
      decoder_.restart(layer, trace_, sequences, wanted, consumer(tree, last - begin));
      for (std::size_t i = begin; i < last; ++i) deliver(tree, questions, numbers, order_[i], i - begin);
      begin = last;
      report(done, end, static_cast<double>(begin) / static_cast<double>(order_.size()));
    }
  }

  void report(double done, double end, double share) const {
    if (options_.progress) options_.progress((done + (end - done) * share) / static_cast<double>(questions_.size()));
  }

  // Rows of logits arrive in any order, from several threads: each use has a place of its own.
  NativeDecoder::Consumer consumer(const QuestionTree& tree, std::size_t copies) {
    values_.assign(copies * tree.uses().size(), 0);
    return [this, &tree](std::size_t row, std::span<float> logits) {
      const std::size_t copy = row / tree.wanted().size();
      const double normaliser = model::summarize_logits(logits.data(), logits.size()).log_sum_exp;
      const auto [first, last] = tree.uses_of(row % tree.wanted().size());
      for (std::size_t i = first; i < last; ++i) {
        values_[copy * tree.uses().size() + i] =
            static_cast<double>(logits[static_cast<std::size_t>(tree.uses()[i].token)]) - normaliser;
      }
    };
  }

  void deliver(const QuestionTree& tree, const std::vector<MaskedQuestion>& questions,
               std::span<const std::size_t> numbers, std::size_t mask, std::size_t copy) {
    std::vector<std::vector<double>> sums(questions.size());
    for (std::size_t q = 0; q < questions.size(); ++q) sums[q].assign(questions[q].options.size(), 0);
    for (std::size_t i = 0; i < tree.uses().size(); ++i) {
      const QuestionTree::Use& use = tree.uses()[i];
      sums[use.question][use.option] += values_[copy * tree.uses().size() + i];
    }
    for (std::size_t q = 0; q < questions.size(); ++q) receive_(numbers[q], mask, sums[q]);
  }

  NativeDecoder& decoder_;
  std::span<const MaskedQuestion> questions_;
  std::span<const HeadSet> masks_;
  const MaskedScoringOptions& options_;
  const MaskedScores& receive_;
  std::vector<HeadMask> off_;       // by mask
  std::vector<std::size_t> order_;  // masks by lowest layer
  std::size_t most_rows_ = 0, batch_rows_ = 0;
  model::LayerTrace trace_;
  std::vector<double> values_;
};

}  // namespace

std::size_t HeadSet::lowest_layer() const { return std::ranges::min_element(heads)->first; }

void score_masked(model::NativeDecoder& decoder, std::span<const MaskedQuestion> questions,
                  std::span<const HeadSet> masks, const MaskedScoringOptions& options, const MaskedScores& receive) {
  check(decoder.config(), questions, masks);
  MaskedScorer(decoder, questions, masks, options, receive).run();
}

}  // namespace cambium::eval
