#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/weight_source.h"
#include "family/alignment.h"
#include "family/model_description.h"
#include "shift/head_slots.h"
#include "shift/mass_curve.h"
#include "shift/moments.h"
#include "tensor/progress.h"
#include "tensor/workers.h"

namespace cambium::shift {

struct HeadShift {
  HeadSlot slot;
  Moments moments;
};

/// The shift of one tensor.
struct TensorShift {
  std::string tensor;  ///< name in the base (a head that only the model stores: in the model)
  family::Part part = family::Part::kLanguage;
  family::Role role = family::Role::kOther;
  int layer = -1;
  bool bias = false;
  Moments moments;
  MassCurve curve{};
  std::uint64_t nonfinite = 0;   ///< pairs left out because one value is NaN or infinite
  std::vector<HeadShift> heads;  ///< of attention tensors
};

/// The shift of a model against its base.
struct ModelShift {
  std::string base, model;           ///< labels
  std::vector<TensorShift> tensors;  ///< sorted by name
  MassCurve curve{};                 ///< of all language tensors
  std::map<int, MassCurve> layer_curves;
  std::map<family::Role, MassCurve> module_curves;
  family::VocabularyRows vocabulary;
  std::vector<std::string> notes;
};

struct ShiftOptions {
  /// Leave pairs with a NaN or infinity out and count them, instead of refusing the model.
  bool allow_nonfinite = false;
};

/// One model to be compared: where its values are and how its family describes them.
struct ShiftSide {
  const checkpoint::WeightSource* weights = nullptr;
  const family::ModelDescription* description = nullptr;
};

/// Compares every aligned tensor, in the base's form; of vocabularies the shared rows. One pass over both checkpoints
/// (tensors whose mass curve remains in doubt are read once more), memory bounded by the blocks in work whatever the
/// models' size; the same result for any number of threads.
///
/// @throws ShapeError   the alignment has problems
/// @throws ValueError   a NaN or infinity (model, tensor and index named), unless allowed
/// @throws Interrupted  progress asked to stop
[[nodiscard]] ModelShift measure_shift(const ShiftSide& base, const ShiftSide& model,
                                       const family::Alignment& alignment, const ShiftOptions& options,
                                       Workers& workers, Progress& progress);

}  // namespace cambium::shift
