#pragma once

#include <cstddef>
#include <cstdint>

#include "model/decoder_config.h"
#include "model/native/packed_matrix.h"

namespace cambium::model {

/// Rows that are multiplied with a packed matrix: `rows` rows of even(inputs) values, `stride` floats apart.
struct ActivationRows {
  const float* values = nullptr;
  /// The same rounded to bfloat16 with the same stride, where rounds_activations() holds for the matrix.
  const std::uint16_t* rounded = nullptr;
  std::size_t stride = 0;
  std::size_t rows = 0;
};

/// What becomes of the product.
struct ProductOutput {
  enum class Mode : std::uint8_t {
    kStore,     ///< out = product + bias
    kAdd,       ///< out += product + bias
    kActivate,  ///< out = act(product + bias)
    kGate,      ///< out = act(gate + bias) * (up + bias), the matrix being two interleaved parts; half as many columns
  };
  Mode mode = Mode::kStore;
  Activation activation = Activation::kSilu;
  float* values = nullptr;
  std::size_t stride = 0;  ///< floats between rows; whole panels are written
};

/// True if products with matrices of this type use the CPU's bf16 dot product, which needs rows rounded to bfloat16.
[[nodiscard]] bool rounds_activations(PanelType type);

/// Rows of float32 to bfloat16, to nearest even.
void round_rows(const float* values, std::size_t count, std::uint16_t* rounded);

/// Columns of panels first .. last-1 (for kGate both even) of the product. Distinct ranges may be computed at once on
/// several threads.
void multiply(const PackedMatrix& matrix, const ActivationRows& rows, const ProductOutput& output,
              std::size_t first_panel, std::size_t last_panel);

}  // namespace cambium::model
