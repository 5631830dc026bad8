#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shift/measure_shift.h"

namespace cambium::shift {

/// What one row of a shift table sums over.
enum class Level : std::uint8_t { kModel, kLayer, kModule, kTensor, kHead };
/// "model", "layer", "module", "tensor", "head".
[[nodiscard]] std::string_view name_of(Level level);
/// @throws UsageError  no such level (the known ones are named)
[[nodiscard]] Level level_from_name(std::string_view name);

struct ShiftRow {
  Level level = Level::kTensor;
  std::string tensor;  ///< level tensor: its name; else empty
  std::string role;    ///< levels tensor, module, head; of heads also "attention": one query head with its keys, values
                       ///< and output columns
  int layer = -1;      ///< -1: none
  int head = -1;       ///< -1: none
  Moments moments;
  std::uint64_t nonfinite = 0;
  std::optional<MassCurve> curve;  ///< not for heads
};

/// Rolls the tensors up. Layers sum over the language tensors of one layer; modules over the tensors of one role
/// (weights and biases); heads over the head's rows of q, k, v and columns of o in one layer. Rows are sorted by layer,
/// role and head.
[[nodiscard]] std::vector<ShiftRow> shift_rows(const ModelShift& shift, Level level);

/// A table of layers x modules for heat maps: mean |d| of each, NaN where there is no such tensor.
struct LayerModuleTable {
  std::vector<int> layers;
  std::vector<std::string> modules;  ///< in the order of the computation
  std::vector<double> mean_abs;      ///< [layers, modules]
};
[[nodiscard]] LayerModuleTable by_layer_and_module(const ModelShift& shift);

}  // namespace cambium::shift
