#include "study/student.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace cambium::study {
namespace {

// Quantiles of scipy.stats.t.ppf(0.975, df).
TEST(Student, CriticalValuesAreThoseOfTheTables) {
  EXPECT_NEAR(student_critical(0.05, 1), 12.706204736, 1e-6);
  EXPECT_NEAR(student_critical(0.05, 2), 4.302652730, 1e-8);
  EXPECT_NEAR(student_critical(0.05, 4), 2.776445105, 1e-8);
  EXPECT_NEAR(student_critical(0.05, 9), 2.262157163, 1e-8);
  EXPECT_NEAR(student_two_sided(2.776445105, 4), 0.05, 1e-9);
}

// 1, 2, 3: mean 2, standard error 1 / sqrt(3), t(2) = 4.3027.
TEST(Estimate, OverSeedsIsTheStudentInterval) {
  const Estimate estimate = estimate_over_seeds(std::vector<double>{1, 2, 3});
  EXPECT_DOUBLE_EQ(estimate.value, 2);
  EXPECT_NEAR(estimate.high - 2, 4.302652730 / std::sqrt(3.0), 1e-6);
  EXPECT_NEAR(estimate.p_value, 0.0741799, 1e-6);
}

// 0 right of 6: share (0 + 2) / 10, variance 0.2 * 0.8 / 10.
TEST(Estimate, AScoreOfZeroOfFewSamplesIsNotCertain) {
  const Stratum stratum = stratum_of_shares(std::vector<double>(6, 0.0), 100);
  EXPECT_DOUBLE_EQ(stratum.mean, 0);
  EXPECT_NEAR(stratum.variance_of_mean, 1e4 * 0.2 * 0.8 / 10, 1e-9);
}

}  // namespace
}  // namespace cambium::study
