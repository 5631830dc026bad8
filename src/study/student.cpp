#include "study/student.h"

#include <cmath>
#include <numbers>
#include <numeric>

namespace cambium::study {

double student_two_sided(double t, int degrees) {
  const double angle = std::atan(t / std::sqrt(static_cast<double>(degrees)));
  const double square = std::cos(angle) * std::cos(angle);
  double within = 0;
  if (degrees % 2 == 1) {
    double sum = 0;
    double term = std::cos(angle);
    for (int i = 1; i <= degrees - 2; i += 2) {
      sum += term;
      term *= square * (i + 1) / (i + 2);
    }
    within = 2 / std::numbers::pi * (angle + std::sin(angle) * sum);
  } else {
    double sum = 0;
    double term = 1;
    for (int i = 0; i <= degrees - 2; i += 2) {
      sum += term;
      term *= square * (i + 1) / (i + 2);
    }
    within = std::sin(angle) * sum;
  }
  return std::max(0.0, 1 - within);
}

double student_critical(double probability, int degrees) {
  double low = 0;
  double high = 1;
  while (student_two_sided(high, degrees) > probability) high *= 2;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (student_two_sided(middle, degrees) > probability ? low : high) = middle;
  }
  return high;
}

Estimate estimate_over_seeds(std::span<const double> values) {
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double error = std::sqrt(squares / (count - 1) / count);
  const int degrees = static_cast<int>(values.size()) - 1;
  const double reach = student_critical(0.05, degrees) * error;
  double p = mean == 0 ? 1.0 : 0.0;
  if (error > 0) p = student_two_sided(std::abs(mean) / error, degrees);
  return {.value = mean, .low = mean - reach, .high = mean + reach, .p_value = p};
}

Stratum stratum_of(std::span<const double> values) {
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {.mean = mean, .variance_of_mean = values.size() > 1 ? squares / (count - 1) / count : 0};
}

Stratum stratum_of_shares(std::span<const double> values, double whole) {
  Stratum stratum = stratum_of(values);
  double right = 0;
  for (const double value : values) {
    if (value != 0 && value != whole) return stratum;
    right += value == whole ? 1 : 0;
  }
  const double count = static_cast<double>(values.size()) + 4;
  const double share = (right + 2) / count;
  stratum.variance_of_mean = whole * whole * share * (1 - share) / count;
  return stratum;
}

}  // namespace cambium::study
