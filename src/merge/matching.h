#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "family/alignment.h"
#include "merge/source.h"
#include "merge/source_pool.h"
#include "merge/source_tensor.h"

namespace cambium::merge {

/// How one input model is read in the names and forms of the model the output is made after (the layout).
class Matching {
 public:
  /// @param by_index  pair vocabulary rows by their numbers instead of by their tokens
  /// @throws ShapeError  language tensors of either model without a counterpart, or of other shapes (all listed)
  Matching(SourcePool& pool, const Source& layout, const Source& source, bool by_index);

  [[nodiscard]] const Source& source() const { return *source_; }
  /// How to read what stands for the layout's tensor; nothing if the model has no such tensor. A tied model's head is
  /// its embedding. @param rows  rows of the output's vocabulary tensors are looked up by token (else they are taken as
  /// they are)
  [[nodiscard]] std::optional<TensorForm> find(const family::TensorRole& tensor, bool rows) const;
  /// The same for the head of a layout that has none: the model's head, or its embedding.
  [[nodiscard]] std::optional<TensorForm> find_head(const family::TensorRole& layout_embedding, bool rows) const;
  /// For each row of the layout's embedding the row of this model, or -1.
  [[nodiscard]] const std::shared_ptr<const std::vector<std::int64_t>>& rows() const { return rows_; }
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

 private:
  [[nodiscard]] const family::Reading* reading(std::string_view tensor) const;
  [[nodiscard]] TensorForm form(const family::Reading& reading, const Shape& shape, bool rows) const;
  const Source* layout_;
  const Source* source_;
  const family::Alignment* alignment_ = nullptr;  ///< null when the source is the layout itself
  bool layout_is_model_ = false;                  ///< the layout is the alignment's `model` side
  std::shared_ptr<const std::vector<std::int64_t>> rows_;
  std::vector<std::string> notes_;
};

}  // namespace cambium::merge
