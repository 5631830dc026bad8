#pragma once

#include <span>

namespace cambium::study {

/// P(|T| > t) of Student's t with a whole number of degrees of freedom. Exact (Abramowitz and Stegun 26.7.3, 26.7.4).
/// @pre degrees >= 1, t >= 0
[[nodiscard]] double student_two_sided(double t, int degrees);
/// The t with P(|T| > t) = probability.
[[nodiscard]] double student_critical(double probability, int degrees);

/// A mean with its 95 % interval and the p value of "the mean is 0".
struct Estimate {
  double value = 0, low = 0, high = 0, p_value = 1;
};
/// Of independent values (one a seed). @pre at least two
[[nodiscard]] Estimate estimate_over_seeds(std::span<const double> values);

/// A mean of samples.
struct Stratum {
  double mean = 0, variance_of_mean = 0;
};
[[nodiscard]] Stratum stratum_of(std::span<const double> values);
/// The same for scores of which each is 0 or `whole`: the variance is that of two more right and two more wrong samples
/// (Agresti and Coull 1998), so that a perfect score of few samples is not taken for certain. Other values: stratum_of.
[[nodiscard]] Stratum stratum_of_shares(std::span<const double> values, double whole);

}  // namespace cambium::study
