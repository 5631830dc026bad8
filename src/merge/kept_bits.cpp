#include "merge/kept_bits.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "merge/kept_bits.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cambium::merge::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Vectors of at least eight lanes give whole bytes; shorter ones go value by value.
void save_bits(const float* values, std::size_t count, std::uint8_t* bits) {
  const hn::ScalableTag<float> f;
  const std::size_t lanes = hn::Lanes(f);
  std::size_t i = 0;
  for (; lanes >= 8 && i + lanes <= count; i += lanes) {
    hn::StoreMaskBits(f, hn::Ne(hn::LoadU(f, values + i), hn::Zero(f)), bits + i / 8);
  }
  for (; i < count; ++i) {
    if (i % 8 == 0) bits[i / 8] = 0;
    if (values[i] != 0) bits[i / 8] = static_cast<std::uint8_t>(bits[i / 8] | 1U << i % 8);
  }
}

void apply_bits(const std::uint8_t* bits, float* values, std::size_t count) {
  const hn::ScalableTag<float> f;
  const std::size_t lanes = hn::Lanes(f);
  std::size_t i = 0;
  for (; lanes >= 8 && i + lanes <= count; i += lanes) {
    hn::StoreU(hn::IfThenElseZero(hn::LoadMaskBits(f, bits + i / 8), hn::LoadU(f, values + i)), f, values + i);
  }
  for (; i < count; ++i) {
    if ((bits[i / 8] >> i % 8 & 1) == 0) values[i] = 0;
  }
}

}  // namespace
}  // namespace cambium::merge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::merge {

HWY_EXPORT(save_bits);
HWY_EXPORT(apply_bits);

namespace {

// Whole cache lines for each piece: two threads never write to one.
std::size_t bytes_of_piece(const TensorRun& run, Cut cut) { return (run.largest_piece(cut) + 511) / 512 * 64; }

}  // namespace

std::size_t KeptBits::bytes(const TensorRun& run, Cut cut) { return bytes_of_piece(run, cut) * run.pieces(cut); }

KeptBits::KeptBits(const TensorRun& run, Cut cut) : piece_bytes_(bytes_of_piece(run, cut)), bits_(bytes(run, cut)) {}

void KeptBits::save(const Piece& piece, std::span<const float> values) {
  HWY_DYNAMIC_DISPATCH(save_bits)(values.data(), values.size(), bits_.data() + piece.index * piece_bytes_);
}

void KeptBits::apply(const Piece& piece, std::span<float> values) const {
  HWY_DYNAMIC_DISPATCH(apply_bits)(bits_.data() + piece.index * piece_bytes_, values.data(), values.size());
}

}  // namespace cambium::merge
#endif
