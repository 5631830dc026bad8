#include "tasks/statistics/normal_distribution.h"

#include <array>
#include <cmath>
#include <numbers>

#include "tensor/error.h"

namespace cambium::tasks {
namespace {

template <std::size_t N>
double polynomial(const std::array<double, N>& coefficients, double x) {
  double value = 0;
  for (const double coefficient : coefficients) value = value * x + coefficient;
  return value;
}

double rational_approximation(double p) {
  constexpr std::array a{-39.69683028665376, 220.9460984245205,  -275.9285104469687,
                         138.3577518672690,  -30.66479806614716, 2.506628277459239};
  constexpr std::array b{-54.47609879822406, 161.5858368580409,  -155.6989798598866,
                         66.80131188771972,  -13.28068155288572, 1.0};
  constexpr std::array c{-0.007784894002430293, -0.3223964580411365, -2.400758277161838,
                         -2.549732539343734,    4.374664141464968,   2.938163982698783};
  constexpr std::array d{0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1.0};
  constexpr double kTail = 0.02425;
  if (p < kTail) {
    const double q = std::sqrt(-2 * std::log(p));
    return polynomial(c, q) / polynomial(d, q);
  }
  if (p > 1 - kTail) return -rational_approximation(1 - p);
  const double q = p - 0.5;
  return q * polynomial(a, q * q) / polynomial(b, q * q);
}

}  // namespace

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

double normal_quantile(double probability) {
  if (!(probability > 0 && probability < 1))
    throw ValueError("a normal quantile needs a probability between 0 and 1, both excluded");
  if (probability > 0.5) return -normal_quantile(1 - probability);
  const double x = rational_approximation(probability);
  const double error = (normal_cdf(x) - probability) * std::sqrt(2 * std::numbers::pi) * std::exp(x * x / 2);
  return x - error / (1 + x * error / 2);
}

double student_quantile(double probability, double degrees_of_freedom) {
  const double z = normal_quantile(probability);
  const double z2 = z * z;
  const double v = degrees_of_freedom;
  return z * (1 + (z2 + 1) / (4 * v) + ((5 * z2 + 16) * z2 + 3) / (96 * v * v) +
              (((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * v * v * v));
}

}  // namespace cambium::tasks
