#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "merge/input_tensor.h"

namespace cambium::merge {

/// Where each row of an embedding (or head) comes from in one model, over the vocabulary of a merge.
///
/// A row is the model's own, or, where it lacks the token, the one given for all models that lack it: another model's
/// row, the mean of the rows of the models that have the token, or zero. Rows past the tokens are the mean of those
/// before them.
struct VocabularyRowTable {
  static constexpr std::int64_t kZero = -1;
  static constexpr std::int64_t kMean = -2;

  std::int64_t tokens = 0;
  std::int64_t rows = 0;
  std::vector<std::vector<std::int64_t>> own;  ///< [model][token]: the model's row, or -1: the default
  std::vector<std::int64_t> default_model;     ///< [token]: the model whose row stands in, kZero or kMean
  std::vector<std::int64_t> default_row;       ///< [token]: its row there
  /// [model][token]: whether the model has the token, also where the default is forced (for kMean).
  std::vector<std::vector<std::int64_t>> known;
};

/// The embedding of model `model` over that vocabulary.
/// @param tensors  the embedding of each model of the table, as stored
/// Memory: the rows asked for; the mean row of the padding is found with one pass over the table's rows when first
/// needed.
[[nodiscard]] std::shared_ptr<const InputTensor> vocabulary_tensor(
    std::vector<std::shared_ptr<const InputTensor>> tensors, std::shared_ptr<const VocabularyRowTable> table,
    std::size_t model, DType compute_dtype);

}  // namespace cambium::merge
