#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "eval/heads_scoring.h"
#include "model/decoder_backend.h"

namespace cambium::eval {

/// A batch of questions as one step of the decoder: a tree whose nodes are the step's sequences, with the rows whose
/// logits are wanted.
class QuestionTree {
 public:
  /// One token that is scored.
  struct Use {
    std::size_t wanted;  ///< number of the wanted row whose logits it is scored by
    std::int32_t token;
    std::size_t question, option;  ///< question: among the batch's
  };

  QuestionTree(std::span<const MaskedQuestion> questions, const model::DecoderConfig& config);

  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::span<const std::size_t> wanted() const { return wanted_; }
  /// By wanted row.
  [[nodiscard]] std::span<const Use> uses() const { return uses_; }
  /// Of one wanted row: uses first .. last-1.
  [[nodiscard]] std::pair<std::size_t, std::size_t> uses_of(std::size_t wanted) const {
    return {first_use_[wanted], first_use_[wanted + 1]};
  }
  /// Blocks that one copy of the tree needs.
  [[nodiscard]] std::size_t blocks() const { return blocks_; }

  /// Puts one copy's sequences behind those that are there. @param blocks  blocks() of them, the copy's own; must
  /// outlive the step, as this must
  class Copy {
   public:
    Copy(const QuestionTree& tree, std::span<const model::BlockId> blocks);
    void append(std::vector<model::StepSequence>& sequences, const model::HeadMask* heads_off) const;

   private:
    const QuestionTree& tree_;
    std::vector<std::vector<model::BlockId>> tables_;       // by node
    std::vector<std::vector<model::BlockMirror>> mirrors_;  // by node
  };

 private:
  struct Node {
    std::size_t parent = SIZE_MAX;
    std::size_t first = 0, last = 0;  // positions
    std::size_t first_row = 0;
    std::int64_t rope_length = 0;
    std::vector<std::int32_t> ids;
    std::vector<const float*> embeddings;  // empty: none
    std::size_t first_block = 0;           // number of the copy's blocks where the node's own begin
  };
  struct Path {
    const MaskedOption* option;
    std::size_t question, number;
    std::vector<std::int32_t> ids;  // context and continuation but for its last token
  };
  void plant(const std::vector<Path>& paths, std::int64_t rope_length, std::size_t hidden,
             std::vector<std::vector<Use>>& by_row);

  std::vector<Node> nodes_;
  std::size_t rows_ = 0, blocks_ = 0;
  std::vector<std::size_t> wanted_, first_use_;
  std::vector<Use> uses_;
};

/// How many rows a question adds to a tree, at most. Cost: none.
[[nodiscard]] std::size_t tokens_of(const MaskedQuestion& question);

}  // namespace cambium::eval
