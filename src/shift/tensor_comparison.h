#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "family/tensor_reader.h"
#include "shift/head_slots.h"
#include "shift/mass_curve.h"
#include "shift/measure_shift.h"
#include "shift/moments.h"
#include "tensor/progress.h"
#include "tensor/workers.h"

namespace cambium::shift {

/// What a worker needs to compare pieces of tensors; kept from tensor to tensor.
struct ComparisonScratch {
  std::vector<float> base, tuned, magnitudes;
  std::vector<MomentLanes> lanes;
  MagnitudeTable table;
};

/// Two tensors of one form, compared block by block.
class TensorComparison {
 public:
  /// @param base, tuned  of equal shape; elements of rows that one lacks are left out. Must outlive the comparison.
  TensorComparison(const family::TensorReader& base, const family::TensorReader& tuned, HeadSlots heads,
                   bool allow_nonfinite);

  /// Fills in moments, curve, nonfinite and heads of `shift`, and gives back the buckets of magnitudes.
  /// @param scratch  one for each worker
  std::vector<MassBucket> run(std::span<ComparisonScratch> scratch, Workers& workers, Progress& progress,
                              TensorShift& shift) const;

 private:
  struct Block {
    std::size_t first, count;
  };
  struct BlockResult {
    std::vector<Moments> slots;  // from first_slot on
    std::size_t first_slot = 0;
    std::uint64_t nonfinite = 0;
  };
  void cut_into_blocks();
  [[nodiscard]] std::size_t slot_of(std::size_t element, std::size_t& run) const;
  template <class Visit>
  void for_each_run(std::size_t first, std::size_t count, const Visit& visit) const;
  template <class Visit>
  void for_each_chunk(const Block& block, const Visit& visit) const;
  template <class Visit>
  std::uint64_t for_each_segment(std::size_t first, std::size_t count, ComparisonScratch& scratch,
                                 const Visit& visit) const;
  /// Gives the pages of `count` blocks back, of as many as there are.
  void release(std::size_t first_block, std::size_t count) const;
  [[nodiscard]] BlockResult compare(const Block& block, ComparisonScratch& scratch) const;
  [[noreturn]] void refuse(std::size_t element, float base, float tuned) const;

  const family::TensorReader& base_;
  const family::TensorReader& tuned_;
  HeadSlots heads_;
  bool allow_nonfinite_;
  std::vector<Block> blocks_;
};

}  // namespace cambium::shift
