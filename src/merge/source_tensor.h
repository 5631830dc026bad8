#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "family/alignment.h"
#include "merge/input_tensor.h"
#include "merge/source.h"

namespace cambium::merge {

/// Where values that must be computed before they can be read (of a recipe, of a fused tensor under an adapter) are
/// kept while their tensor is merged.
struct SpillPlace {
  /// An unlinked file in this folder; absent: in memory.
  std::optional<std::filesystem::path> folder;
};

/// How a model's tensor is brought into the output's form.
struct TensorForm {
  family::Reading reading;    ///< of the model's tensors
  Shape shape;                ///< in the output's form (vocabulary: the output's rows)
  DType dtype = DType::kF32;  ///< stored type, promoted over the tensors read
  /// Vocabulary: for each output row the model's row, or -1; rows it lacks must not be read. Null: rows are as stored.
  std::shared_ptr<const std::vector<std::int64_t>> rows;

  /// The model's tensors that are read, names as in its files.
  [[nodiscard]] std::vector<std::string> names() const;
};

/// The reading of a whole tensor as it is stored.
[[nodiscard]] family::Reading whole_reading(const family::TensorRole& tensor);
/// A reading, with the type of what it reads. @throws CheckpointError  an element type that merging does not compute on
[[nodiscard]] TensorForm form_of(const Source& source, family::Reading reading, Shape shape);

/// Opens a tensor of a model for reading.
[[nodiscard]] std::shared_ptr<const InputTensor> open_tensor(const Source& source, const TensorForm& form,
                                                             const SpillPlace& spill);

}  // namespace cambium::merge
