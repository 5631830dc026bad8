// The inner product of a few rows with vectors of a panel's columns. Included once for each SIMD target (no include
// guard of the usual kind).
#if defined(CAMBIUM_MODEL_NATIVE_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CAMBIUM_MODEL_NATIVE_PANEL_INL_H_
#undef CAMBIUM_MODEL_NATIVE_PANEL_INL_H_
#else
#define CAMBIUM_MODEL_NATIVE_PANEL_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "model/native/panel.h"

HWY_BEFORE_NAMESPACE();
namespace cambium::model::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Floats>;
inline constexpr std::size_t kLanes = hn::MaxLanes(Floats());
inline constexpr std::size_t kVectorsPerPanel = kPanelColumns / kLanes;

// Rows multiplied at once with two vectors of columns: as many sums as the registers hold.
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
inline constexpr std::size_t kMostRows = 12;
#elif HWY_ARCH_ARM_A64
inline constexpr std::size_t kMostRows = 10;
#else
inline constexpr std::size_t kMostRows = 4;
#endif
// Up to so many rows four vectors of columns are taken at once: two would leave the multipliers waiting for each other.
inline constexpr std::size_t kWideRows = kMostRows / 3;

// Loads rows k and k+1 of kLanes columns as float32. `at` is the element (k, first column); k is even.
struct StoredFloat32 {
  using Raw = float;
  static constexpr PanelType kType = PanelType::kFloat32;
  static HWY_INLINE void load_pair(const Raw* HWY_RESTRICT at, Vector& first, Vector& second) {
    first = hn::LoadU(Floats(), at);
    second = hn::LoadU(Floats(), at + kPanelColumns);
  }
};

struct StoredBFloat16 {
  using Raw = std::uint16_t;
  static constexpr PanelType kType = PanelType::kBFloat16;
  static HWY_INLINE void load_pair(const Raw* HWY_RESTRICT at, Vector& first, Vector& second) {
    const hn::RebindToUnsigned<Floats> words;
    const auto pairs = hn::LoadU(words, reinterpret_cast<const std::uint32_t*>(at));
    first = hn::BitCast(Floats(), hn::ShiftLeft<16>(pairs));
    second = hn::BitCast(Floats(), hn::And(pairs, hn::Set(words, 0xffff0000U)));
  }
};

struct StoredFloat16 {
  using Raw = std::uint16_t;
  static constexpr PanelType kType = PanelType::kFloat16;
  static HWY_INLINE Vector load(const Raw* HWY_RESTRICT at) {
    const hn::Rebind<hwy::float16_t, Floats> halves;
    const hn::Rebind<std::uint16_t, Floats> bits;
    return hn::PromoteTo(Floats(), hn::BitCast(halves, hn::LoadU(bits, at)));
  }
  static HWY_INLINE void load_pair(const Raw* HWY_RESTRICT at, Vector& first, Vector& second) {
    first = load(at);
    second = load(at + kPanelColumns);
  }
};

// tile[m][v * kLanes ...] = sum over k of rows[m][k] * (vector v of row k), for m < kRows, v < kVectors.
// columns[v]: element (0, first column of vector v); rows: kRows rows of 2 * pairs floats, row_distance apart.
template <class Stored, std::size_t kRows, std::size_t kVectors>
HWY_INLINE void product(const typename Stored::Raw* const* columns, std::size_t pairs, const float* HWY_RESTRICT rows,
                        std::size_t row_distance, float* HWY_RESTRICT tile, std::size_t tile_distance,
                        std::size_t ahead) {
  const Floats f;
  const typename Stored::Raw* HWY_RESTRICT at[kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) at[v] = columns[v];
  // Four pointers and one offset reach up to twelve rows without running out of registers.
  const float* HWY_RESTRICT a[4] = {rows, rows + row_distance, rows + 2 * row_distance, rows + 3 * row_distance};
  const std::size_t four_rows = 4 * row_distance;
  Vector sums[kRows][kVectors];
#pragma GCC unroll 16
  for (std::size_t m = 0; m < kRows; ++m) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) sums[m][v] = hn::Zero(f);
  }
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    Vector even_row[kVectors], odd_row[kVectors];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) {
      Stored::load_pair(at[v], even_row[v], odd_row[v]);
      __builtin_prefetch(reinterpret_cast<const char*>(at[v]) + ahead, 0, 2);
      if constexpr (Stored::kType == PanelType::kFloat32) {
        __builtin_prefetch(reinterpret_cast<const char*>(at[v] + kPanelColumns) + ahead, 0, 2);
      }
      at[v] += 2 * kPanelColumns;
    }
#pragma GCC unroll 16
    for (std::size_t m = 0; m < kRows; ++m) {
      const Vector x = hn::Set(f, a[m % 4][(m / 4) * four_rows]);
#pragma GCC unroll 4
      for (std::size_t v = 0; v < kVectors; ++v) sums[m][v] = hn::MulAdd(x, even_row[v], sums[m][v]);
    }
#pragma GCC unroll 16
    for (std::size_t m = 0; m < kRows; ++m) {
      const Vector x = hn::Set(f, a[m % 4][(m / 4) * four_rows + 1]);
#pragma GCC unroll 4
      for (std::size_t v = 0; v < kVectors; ++v) sums[m][v] = hn::MulAdd(x, odd_row[v], sums[m][v]);
    }
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) a[j] += 2;
  }
#pragma GCC unroll 16
  for (std::size_t m = 0; m < kRows; ++m) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) hn::StoreU(sums[m][v], f, tile + m * tile_distance + v * kLanes);
  }
}

// The whole panel for kRows rows: tile[m][0 .. 31].
template <class Stored, std::size_t kRows>
HWY_NOINLINE void panel_product(const typename Stored::Raw* HWY_RESTRICT panel, std::size_t pairs,
                                const float* HWY_RESTRICT rows, std::size_t row_distance, float* HWY_RESTRICT tile,
                                std::size_t tile_distance, std::size_t ahead) {
  constexpr std::size_t kAtOnce = kRows <= kWideRows && kVectorsPerPanel >= 4 ? 4 : 2;
  // Distance of kLanes columns in elements of the panel.
  constexpr std::size_t kStep = Stored::kType == PanelType::kBFloat16 ? 2 * kLanes : kLanes;
  for (std::size_t v = 0; v < kVectorsPerPanel; v += kAtOnce) {
    const typename Stored::Raw* columns[kAtOnce];
    for (std::size_t j = 0; j < kAtOnce; ++j) columns[j] = panel + (v + j) * kStep;
    product<Stored, kRows, kAtOnce>(columns, pairs, rows, row_distance, tile + v * kLanes, tile_distance, ahead);
  }
}

template <class Stored>
using PanelProduct = void (*)(const typename Stored::Raw*, std::size_t, const float*, std::size_t, float*, std::size_t,
                              std::size_t);

// panel_product for a number of rows, 1 .. kMostRows.
template <class Stored>
HWY_INLINE PanelProduct<Stored> panel_product_for(std::size_t rows) {
  static constexpr PanelProduct<Stored> kProducts[] = {
    panel_product<Stored, 1>,
    panel_product<Stored, 2>,
    panel_product<Stored, 3>,
    panel_product<Stored, 4>,
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
    panel_product<Stored, 5>,
    panel_product<Stored, 6>,
    panel_product<Stored, 7>,
    panel_product<Stored, 8>,
    panel_product<Stored, 9>,
    panel_product<Stored, 10>,
#endif
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
    panel_product<Stored, 11>,
    panel_product<Stored, 12>,
#endif
  };
  return kProducts[rows - 1];
}

}  // namespace cambium::model::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
