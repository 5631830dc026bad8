#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/native/panel.h"
#include "model/native/panel_product.h"

namespace cambium::model {

/// A float32 buffer of rows, zeroed when it grows (padding must be zero), with a bfloat16 copy where products want one.
class Rows {
 public:
  void resize(std::size_t rows, std::size_t columns, bool with_rounded) {
    columns_ = columns;
    stride_ = row_stride(columns);
    if (values_.size() < rows * stride_) values_.assign(rows * stride_, 0.0F);
    if (with_rounded && rounded_.size() < rows * stride_) rounded_.assign(rows * stride_, 0);
    with_rounded_ = with_rounded;
  }
  [[nodiscard]] float* row(std::size_t index) { return values_.data() + index * stride_; }
  [[nodiscard]] std::size_t stride() const { return stride_; }
  [[nodiscard]] bool with_rounded() const { return with_rounded_; }
  void round(std::size_t index) { round_rows(row(index), even(columns_), rounded_.data() + index * stride_); }
  [[nodiscard]] ActivationRows view(std::size_t count) const {
    return {values_.data(), with_rounded_ ? rounded_.data() : nullptr, stride_, count};
  }

 private:
  std::vector<float> values_;
  std::vector<std::uint16_t> rounded_;
  std::size_t columns_ = 0, stride_ = 0;
  bool with_rounded_ = false;
};

/// Some rows of a view.
[[nodiscard]] inline ActivationRows part_of(const ActivationRows& rows, std::size_t first, std::size_t count) {
  return {rows.values + first * rows.stride, rows.rounded == nullptr ? nullptr : rows.rounded + first * rows.stride,
          rows.stride, count};
}

}  // namespace cambium::model
