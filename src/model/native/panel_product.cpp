#include "model/native/panel_product.h"

#include <cstring>

#include "model/native/bf16_product.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/native/panel_product.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "model/native/activation-inl.h"
#include "model/native/panel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cambium::model::HWY_NAMESPACE {

// Sums of a few rows with one panel, or with a gate panel and its up panel side by side.
struct Tile {
  HWY_ALIGN float values[kBf16Rows][2 * kPanelColumns];
};

HWY_INLINE Vector with_bias(Vector value, const float* bias, std::size_t column) {
  return bias == nullptr ? value : hn::Add(value, hn::LoadU(Floats(), bias + column));
}

void finish(const Tile& tile, std::size_t rows, const float* bias, const float* up_bias, const ProductOutput& output,
            float* HWY_RESTRICT out) {
  const Floats f;
  for (std::size_t m = 0; m < rows; ++m) {
    const float* HWY_RESTRICT sums = tile.values[m];
    float* HWY_RESTRICT to = out + m * output.stride;
    for (std::size_t n = 0; n < kPanelColumns; n += kLanes) {
      Vector value = with_bias(hn::Load(f, sums + n), bias, n);
      if (output.mode == ProductOutput::Mode::kAdd) value = hn::Add(hn::LoadU(f, to + n), value);
      if (output.mode == ProductOutput::Mode::kActivate) value = activated(f, output.activation, value);
      if (output.mode == ProductOutput::Mode::kGate) {
        const Vector up = with_bias(hn::Load(f, sums + kPanelColumns + n), up_bias, n);
        value = hn::Mul(activated(f, output.activation, value), up);
      }
      hn::StoreU(value, f, to + n);
    }
  }
}

// How far ahead of what is multiplied the panels are fetched from memory, in bytes. The CPU's own prefetching leaves a
// fifth of the memory's rate unused with one row and a third with eight.
constexpr std::size_t kAhead = 4096;

template <class Stored>
void sum_panel(const PackedMatrix& matrix, std::size_t panel, const ActivationRows& rows, std::size_t first,
               std::size_t count, std::size_t ahead, float* tile) {
  const auto* columns = reinterpret_cast<const typename Stored::Raw*>(matrix.panel(panel));
  const std::size_t pairs = even(matrix.inputs()) / 2;
  if constexpr (Stored::kType == PanelType::kBFloat16) {
    if (rows.rounded != nullptr) {
      bf16_panel_product(columns, pairs, rows.rounded + first * rows.stride, rows.stride, count, tile,
                         2 * kPanelColumns, ahead);
      return;
    }
  }
  panel_product_for<Stored>(count)(columns, pairs, rows.values + first * rows.stride, rows.stride, tile,
                                   2 * kPanelColumns, ahead);
}

template <class Stored>
void multiply_stored(const PackedMatrix& matrix, const ActivationRows& rows, const ProductOutput& output,
                     std::size_t first_panel, std::size_t last_panel) {
  const bool gate = output.mode == ProductOutput::Mode::kGate;
  const std::size_t step = gate ? 2 : 1;
  const std::size_t most = rows.rounded != nullptr ? kBf16Rows : kMostRows;
  const std::size_t tiles = (rows.rows + most - 1) / most;
  Tile tile;
  for (std::size_t panel = first_panel; panel < last_panel; panel += step) {
    float* out = output.values + panel / step * kPanelColumns;
    for (std::size_t t = 0; t < tiles; ++t) {
      const std::size_t first = rows.rows * t / tiles, count = rows.rows * (t + 1) / tiles - first;
      // Later tiles of rows find the panel in the cache; the last one fetches the next panel.
      const std::size_t ahead = t + 1 < tiles ? 0
                                : tiles == 1  ? kAhead
                                              : panel_bytes(matrix.type(), even(matrix.inputs()));
      sum_panel<Stored>(matrix, panel, rows, first, count, ahead, tile.values[0]);
      if (gate) sum_panel<Stored>(matrix, panel + 1, rows, first, count, ahead, tile.values[0] + kPanelColumns);
      finish(tile, count, matrix.bias(panel), gate ? matrix.bias(panel + 1) : nullptr, output,
             out + first * output.stride);
    }
  }
}

void multiply_any(const PackedMatrix& matrix, const ActivationRows& rows, const ProductOutput& output,
                  std::size_t first_panel, std::size_t last_panel) {
  switch (matrix.type()) {
    case PanelType::kFloat32:
      return multiply_stored<StoredFloat32>(matrix, rows, output, first_panel, last_panel);
    case PanelType::kFloat16:
      return multiply_stored<StoredFloat16>(matrix, rows, output, first_panel, last_panel);
    case PanelType::kBFloat16:
      return multiply_stored<StoredBFloat16>(matrix, rows, output, first_panel, last_panel);
  }
}

void round_any(const float* HWY_RESTRICT values, std::size_t count, std::uint16_t* HWY_RESTRICT rounded) {
  const hn::RebindToUnsigned<Floats> words;
  const hn::Rebind<std::uint16_t, Floats> halves;
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const auto bits = hn::BitCast(words, hn::LoadU(Floats(), values + i));
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(words, 1U));
    const auto sum = hn::Add(hn::Add(bits, hn::Set(words, 0x7fffU)), odd);
    hn::StoreU(hn::TruncateTo(halves, hn::ShiftRight<16>(sum)), halves, rounded + i);
  }
  for (; i < count; ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, values + i, sizeof(bits));
    rounded[i] = static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16U) & 1U)) >> 16U);
  }
}

}  // namespace cambium::model::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::model {

HWY_EXPORT(multiply_any);
HWY_EXPORT(round_any);

bool rounds_activations(PanelType type) { return type == PanelType::kBFloat16 && has_bf16_product(); }

void round_rows(const float* values, std::size_t count, std::uint16_t* rounded) {
  HWY_DYNAMIC_DISPATCH(round_any)(values, count, rounded);
}

void multiply(const PackedMatrix& matrix, const ActivationRows& rows, const ProductOutput& output,
              std::size_t first_panel, std::size_t last_panel) {
  if (rows.rows == 0) return;
  HWY_DYNAMIC_DISPATCH(multiply_any)(matrix, rows, output, first_panel, last_panel);
}

}  // namespace cambium::model
#endif
