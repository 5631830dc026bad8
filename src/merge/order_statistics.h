#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "merge/tensor_run.h"

namespace cambium::merge {

/// Which value is wanted: the one with `rank` larger ones before it when the scores of `channel` are sorted in falling
/// order.
struct OrderQuery {
  std::size_t channel = 0;
  std::uint64_t rank = 0;  ///< 0 is the largest; less than the number of elements
};

struct OrderStatistic {
  float value = 0;
  std::uint64_t above = 0;              ///< scores larger than value
  std::uint64_t equal = 0;              ///< scores equal to it
  std::vector<std::uint32_t> in_piece;  ///< of these, how many lie in each piece of the pass (Cut as given)
};

/// Fills scores[c] (piece.count values, none NaN) for each channel c from the inputs of the piece, which it may
/// overwrite.
using ScoreFunction = std::function<void(Piece& piece, std::span<const std::span<float>> scores)>;

/// Exact order statistics of scores that are functions of a tensor's inputs, without ever holding them all.
///
/// A sample brackets each wanted value; one pass counts what lies above the bracket and collects what lies in it (a few
/// per cent), and the value is picked from there. Should a bracket miss, or hold more than the memory allows, a pass
/// with a histogram over the float bits narrows it first. The result is exact in every case and does not depend on the
/// sample, the memory or the threads.
///
/// Cost: usually one pass over the inputs.
[[nodiscard]] std::vector<OrderStatistic> find_order_statistics(TensorRun& run, Cut cut, std::size_t channels,
                                                                std::span<const OrderQuery> queries,
                                                                const ScoreFunction& score);

/// Keeps exactly the k largest magnitudes of a tensor; of those that equal the smallest kept one, the ones with the
/// lowest index.
struct TopCut {
  static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

  float threshold = 0;
  /// In pieces before this one all ties are kept, in those after it none, and in it the first partial_ties.
  std::size_t partial_piece = kNowhere;
  std::uint32_t partial_ties = 0;

  /// @param statistic  of rank k - 1
  [[nodiscard]] static TopCut of(const OrderStatistic& statistic, std::uint64_t k);

  /// Zeroes the values whose |score| is not among the k largest. `scores` may be `values`.
  void keep(const Piece& piece, std::span<const float> scores, std::span<float> values) const;
  /// Zeroes those whose |score| is.
  void drop(const Piece& piece, std::span<const float> scores, std::span<float> values) const;

 private:
  void zero_in_partial_piece(std::span<const float> scores, std::span<float> values, bool zero_large) const;
};

}  // namespace cambium::merge
