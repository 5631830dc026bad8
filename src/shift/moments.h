#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cambium::shift {

/// Sums over pairs of values (base, tuned) from which every statistic of a shift but the mass curve follows, with d =
/// tuned - base. Sums of several pieces are added in the order of the pieces, so that results do not depend on the
/// number of threads.
struct Moments {
  std::uint64_t count = 0;         ///< pairs
  std::uint64_t equal = 0;         ///< of exactly equal values (0 and -0 are equal)
  std::uint64_t sign_changes = 0;  ///< of values of opposite signs, none of them 0
  double sum_abs = 0;              ///< of |d|
  double sum_squares = 0;          ///< of d^2
  double base_squares = 0;         ///< of base^2
  double tuned_squares = 0;        ///< of tuned^2
  double products = 0;             ///< of base * tuned
  double max_abs = 0;              ///< largest |d|

  Moments& operator+=(const Moments& more);

  [[nodiscard]] double mean_abs() const;     ///< the parameter shift (arXiv:2506.01872); 0 when there are no pairs
  [[nodiscard]] double rms() const;          ///< root of the mean of d^2
  [[nodiscard]] double relative() const;     ///< |d| / |base| (Euclidean norms); NaN when base is 0
  [[nodiscard]] double cosine() const;       ///< of base and tuned; NaN when one of them is 0
  [[nodiscard]] double equal_share() const;  ///< 0..1
  [[nodiscard]] double sign_change_share() const;  ///< 0..1
  /// No NaN or infinity was among the values (finite float32 values cannot overflow these sums).
  [[nodiscard]] bool finite() const;
};

/// What the magnitudes of one call span.
struct MagnitudeRange {
  float smallest = 0;  ///< other than 0; +infinity if there is none
  float largest = 0;
};

/// The same sums while values come in: value i of a call goes to lane i % 8, whatever the machine's vectors are.
struct alignas(64) MomentLanes {
  static constexpr std::size_t kLanes = 8;
  using Lane = std::array<double, kLanes>;
  Lane absolute{}, squares{}, base_squares{}, tuned_squares{}, products{}, largest{};
  std::uint64_t count = 0, equal = 0, sign_changes = 0;

  /// @param base, tuned  of equal size
  /// @param magnitudes   receives |d| of each pair rounded to float32, at most the largest finite float (or NaN);
  /// base.size() values Cost: one pass, SIMD (Highway).
  MagnitudeRange add(std::span<const float> base, std::span<const float> tuned, std::span<float> magnitudes);
  /// Lanes added up in order.
  [[nodiscard]] Moments total() const;
};

}  // namespace cambium::shift
