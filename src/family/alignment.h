#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "family/model_description.h"
#include "family/row_blocks.h"

namespace cambium::checkpoint {
class Vocabulary;
}

namespace cambium::family {

/// Part of a reading: some rows of a source tensor become some rows of the target.
struct Piece {
  std::string source;     ///< tensor of the other model, name as in its file
  RowBlocks source_rows;  ///< output features of the source (columns of the stored matrix if source_transposed)
  RowBlocks target_rows;  ///< the output features of the target they become; target_rows.total() == source_rows.total()
  bool source_transposed = false;  ///< the source is stored [in, out]
  bool whole_source = false;       ///< source_rows are all rows of the source, in order
};

/// How a tensor of one model is read out of the tensors of the other, in the first one's form.
struct Reading {
  std::string target;  ///< tensor of this model, name as in its file
  Role role = Role::kOther;
  int layer = -1;
  std::vector<Piece> pieces;  ///< cover the target's rows without overlap (vocabulary: one piece, the whole source)
  bool target_transposed = false;  ///< the target is stored [in, out]
  /// Rows are tokens: target row r is the source row that the alignment's vocabulary pairs with r (or has none).
  bool vocabulary = false;

  /// One source tensor that lies in memory exactly as the target would (same shape and order); the vocabulary's rows
  /// may differ.
  [[nodiscard]] bool same_form() const;
  /// same, transposed, part, parts: for people.
  [[nodiscard]] std::string_view kind() const;
};

/// Which row of the other model's embedding (and head) stands for the same token.
struct VocabularyRows {
  enum class Rule : std::uint8_t {
    kToken,  ///< by token string; rows that hold no token on either side (padding) are paired by index
    kIndex,  ///< the first min(base_rows, model_rows) rows, because a tokenizer.json is missing or the caller said so
  };
  Rule rule = Rule::kIndex;
  std::int64_t base_rows = 0, model_rows = 0;  ///< rows of the embeddings
  std::int64_t shared_rows = 0;                ///< pairs
  std::int64_t token_rows = 0;                 ///< of them: pairs known to hold the same token string (0 with kIndex)
  std::vector<std::int64_t> model_row;         ///< for each base row: the model's row, or -1
  std::vector<std::int64_t> base_row;          ///< the inverse: for each row of the model
  /// Rows of the model whose token the base does not know, although a base row is paired with them by index (an unused
  /// row of the base's padded vocabulary that the model's new token took).
  std::vector<std::int64_t> new_token_rows;

  /// Rows 0 .. shared_rows - 1 of both are paired with each other and no others: no gathering needed.
  [[nodiscard]] bool identity() const;
};
/// Pairs the rows of two embeddings. @param base_vocabulary, model_vocabulary  may be null (then by index)
[[nodiscard]] VocabularyRows match_vocabularies(const checkpoint::Vocabulary* base_vocabulary, std::int64_t base_rows,
                                                const checkpoint::Vocabulary* model_vocabulary,
                                                std::int64_t model_rows);

/// One side of an alignment.
struct AlignmentSide {
  const ModelDescription* description = nullptr;
  const checkpoint::Vocabulary* vocabulary = nullptr;  ///< null: no tokenizer.json
  std::string label;                                   ///< for messages
};

struct AlignmentOptions {
  bool vocabulary_by_index = false;  ///< ignore the tokenizers
  /// Language tensors without a counterpart, or of differing shapes, are left out and listed in `skipped` instead of
  /// being problems.
  bool skip_unmatched = false;
};

/// Why two models do not fit; `tensors` names all concerned.
struct Problem {
  std::string message;
  std::vector<std::string> tensors;
};

/// A base LLM and a (multimodal) model, tensor by tensor.
///
/// Language tensors are paired by their canonical names (family/model_description.h), taking fused tensors apart and
/// turning transposed ones; where a decoder family is unknown, by the longest common suffix of names and equal shapes
/// (then `notes` says so). If the base is multimodal too, its towers and projectors are paired with the model's by
/// canonical name.
struct Alignment {
  /// One for each tensor of the base that the model has: how to read the model's values in the base's form. Sorted by
  /// target.
  std::vector<Reading> base_from_model;
  /// The other direction: how to read the base's values in the form of the model's language tensors. Sorted by target.
  std::vector<Reading> model_from_base;
  /// Heads that only one side stores, the other being tied: read from the other side's embedding. Not in the lists
  /// above.
  std::optional<Reading> base_head_from_model_embedding, model_head_from_base_embedding;
  std::vector<std::string>
      modality_only;  ///< the model's tensors outside the language (towers, projectors, cross-attention ...)
  std::vector<std::string> base_modality_only;  ///< the same of a multimodal base, where the model has no counterpart
  std::vector<std::string>
      buffers;  ///< computed tables of either model that need no counterpart (inv_freq, position_ids)
  std::vector<std::string> skipped;  ///< with AlignmentOptions::skip_unmatched
  VocabularyRows vocabulary;
  std::vector<Problem> problems;  ///< empty when all language tensors of both sides found their counterpart
  std::vector<std::string> notes;
  std::string base_label, model_label;

  /// @throws ShapeError  with all problems, when there is one
  void require_complete() const;
  [[nodiscard]] const Reading* find_base(
      std::string_view base_tensor) const;  ///< in base_from_model, or the head; O(log n)
  [[nodiscard]] const Reading* find_model(
      std::string_view model_tensor) const;  ///< in model_from_base, or the head; O(log n)
};

/// Aligns two models; touches no weights. Never throws for models that do not fit: see `problems`.
[[nodiscard]] Alignment align(const AlignmentSide& base, const AlignmentSide& model,
                              const AlignmentOptions& options = {});

}  // namespace cambium::family
