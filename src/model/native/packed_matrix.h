#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/decoder_config.h"
#include "model/native/huge_buffer.h"
#include "model/native/panel.h"
#include "model/native/thread_team.h"

namespace cambium::model {

/// Rows of one stored weight [out, in], row-major.
struct WeightRows {
  const void* values = nullptr;
  std::size_t count = 0;        ///< outputs
  const float* bias = nullptr;  ///< count values, or null
};

/// A weight matrix [out, in] in panels of 32 outputs. Several weights that read the same input are packed behind each
/// other; each begins with a panel of its own.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  /// @param parts      what is packed, from first to last output
  /// @param interleave  two parts of the same size whose panels alternate (gate and up)
  PackedMatrix(PanelType type, std::size_t inputs, const std::vector<WeightRows>& parts, bool interleave,
               ThreadTeam& team);
  /// Packs other values into the same memory. @pre  parts of the sizes that were packed before, biases where there were
  void repack(const std::vector<WeightRows>& parts, bool interleave, ThreadTeam& team);

  [[nodiscard]] PanelType type() const { return type_; }
  [[nodiscard]] std::size_t inputs() const { return inputs_; }
  [[nodiscard]] std::size_t panels() const { return panels_; }
  /// Column of the product where a part begins (a multiple of 32).
  [[nodiscard]] std::size_t part_column(std::size_t part) const { return part_columns_[part]; }
  [[nodiscard]] const std::byte* panel(std::size_t index) const {
    return data_.data() + index * panel_bytes(type_, even(inputs_));
  }
  /// 32 values a panel, or null.
  [[nodiscard]] const float* bias(std::size_t index) const {
    return bias_.empty() ? nullptr : bias_.data() + index * kPanelColumns;
  }
  [[nodiscard]] std::size_t bytes() const { return data_.size(); }

 private:
  void pack(const std::vector<WeightRows>& parts, bool interleave, ThreadTeam& team);
  PanelType type_ = PanelType::kFloat32;
  std::size_t inputs_ = 0;
  std::size_t panels_ = 0;
  std::vector<std::size_t> part_columns_;
  HugeBuffer data_;
  std::vector<float> bias_;
};

}  // namespace cambium::model
