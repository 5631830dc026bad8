#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "shift/moments.h"

namespace cambium::shift {

/// The shares of values (the largest ones) at which a mass curve is read.
inline constexpr std::array<double, 5> kMassShares{0.01, 0.05, 0.10, 0.25, 0.50};

/// For each of kMassShares q: the share of sum |d| that the largest max(1, floor(q * n)) of n magnitudes hold; NaN
/// where sum |d| is 0.
using MassCurve = std::array<double, kMassShares.size()>;

/// Magnitudes sorted into buckets of neighbouring floats: how many, and their exact sum.
struct MassBucket {
  std::uint32_t key = 0;  ///< the magnitudes' bits without the low ones
  std::uint64_t count = 0;
  std::uint64_t low_sum = 0;  ///< sum of the low bits, as integers
};

/// Counts magnitudes by their bits. All numbers are integers: the order and the threads that add do not matter.
///
/// A bucket spans 2^-(kKeyMantissa) of its values. Its count and sum are exact, so that only the bucket in which a
/// threshold falls is uncertain, and by less than its width.
class MagnitudeTable {
 public:
  static constexpr int kLowBits = 13;                 ///< bits of a float below the key
  static constexpr int kKeyMantissa = 23 - kLowBits;  ///< mantissa bits in the key
  MagnitudeTable();
  /// @param magnitudes  >= 0, finite
  /// @param range       of the magnitudes, or wider
  void add(std::span<const float> magnitudes, MagnitudeRange range);

  /// Where a kernel of its own counts magnitudes: the bits above the kLowBits low ones are the key; `counts[key]` of
  /// all, and the low bits added up in `low_sums[key]`.
  struct Counters {
    std::uint32_t* counts = nullptr;
    std::uint64_t* low_sums = nullptr;
    /// Bits of the magnitudes counted: the smallest other than 0, less 1, and the largest. Or a wider range.
    std::uint32_t lowest = UINT32_MAX, highest = 0;
  };
  /// @param count  how many magnitudes may be counted before end()
  [[nodiscard]] Counters begin(std::size_t count);
  void end(const Counters& counters);

  /// The buckets that hold something, ascending by key, and empties the table.
  [[nodiscard]] std::vector<MassBucket> take();

 private:
  static constexpr std::size_t kKeys = std::size_t{1} << (31 - kLowBits);
  // Count and sum in one word: one addition a magnitude.
  static constexpr int kSumBits = 40;
  static constexpr std::size_t kFlushEvery = std::size_t{1} << 23;
  void flush();
  [[nodiscard]] MassBucket take_bucket(std::size_t key);
  template <class Visit>
  void for_each_key(const Visit& visit);
  static constexpr std::size_t kFlushCountsEvery = std::size_t{1} << 31;
  void take_range(std::uint32_t smallest, std::uint32_t largest);
  std::vector<std::uint64_t> packed_;
  std::vector<std::uint32_t> plain_counts_;   // of begin(), made by its first call
  std::vector<std::uint64_t> plain_sums_;     // likewise
  std::vector<std::uint64_t> counts_, sums_;  // wide, made when the others could overflow
  std::size_t since_flush_ = 0, counted_since_flush_ = 0;
  /// Keys other than 0 in use: first_ .. last_.
  std::size_t first_ = kKeys, last_ = 0;
};

/// Adds buckets of one set to another, both ascending by key.
[[nodiscard]] std::vector<MassBucket> merge_buckets(std::span<const MassBucket> one, std::span<const MassBucket> other);

/// The same magnitudes in buckets 8 times as wide, for sums over many tensors.
class CoarseMass {
 public:
  void add(std::span<const MassBucket> buckets);
  /// Within 1e-4 of the exact curve for tensors of more than a few thousand values.
  [[nodiscard]] MassCurve curve() const;

 private:
  static constexpr int kFold = 3;
  struct Bucket {
    std::uint32_t key;
    std::uint64_t count;
    double mass;
  };
  std::vector<Bucket> buckets_;
};

/// Reads every magnitude of the tensor once more, in pieces of any size and order.
using ReadAgain = std::function<void(const std::function<void(std::span<const float>)>& piece)>;

/// The curve of one tensor from its buckets, each share exact to 1e-6 of itself: where the buckets alone leave more
/// doubt, `read_again` is called once and the low bits of the doubtful buckets are counted. @param buckets  ascending
/// by key
[[nodiscard]] MassCurve mass_curve(std::span<const MassBucket> buckets, const ReadAgain& read_again);

}  // namespace cambium::shift
