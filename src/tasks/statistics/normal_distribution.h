#pragma once

namespace cambium::tasks {

/// Standard normal distribution function.
[[nodiscard]] double normal_cdf(double x);

/// Its inverse. @param probability  in (0, 1). Error below 1e-14 (Acklam's rational approximation, one step of Halley's
/// method).
[[nodiscard]] double normal_quantile(double probability);

/// Quantile of Student's t by the Cornish-Fisher expansion to the third order: error below 1e-3 from 8 degrees of
/// freedom on.
[[nodiscard]] double student_quantile(double probability, double degrees_of_freedom);

}  // namespace cambium::tasks
