#include "model/native/row_kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace cambium::model {
namespace {

using testing::FloatNear;
using testing::Pointwise;

TEST(RmsNorm, DividesByTheRootMeanSquareAndWeighs) {
  // mean of squares of {3, 4} is 12.5
  const std::vector<float> x{3, 4}, weight{1, 2};
  std::vector<float> out(2);
  rms_norm_row(x.data(), weight.data(), 2, 0.0F, false, out.data());
  const float root = std::sqrt(12.5F);
  EXPECT_THAT(out, Pointwise(FloatNear(1e-6F), std::vector<float>{3 / root, 8 / root}));
  rms_norm_row(x.data(), weight.data(), 2, 0.0F, true, out.data());
  EXPECT_THAT(out, Pointwise(FloatNear(1e-6F), std::vector<float>{6 / root, 12 / root}));
}

TEST(LayerNorm, HasMeanZeroAndVarianceOneBeforeWeightAndBias) {
  std::vector<float> x, weight, bias, out(101);
  for (int i = 0; i < 101; ++i) {
    x.push_back(static_cast<float>(i));
    weight.push_back(2.0F);
    bias.push_back(1.0F);
  }
  layer_norm_row(x.data(), weight.data(), bias.data(), 101, 0.0F, out.data());
  // The numbers 0 .. 100 have mean 50 and variance (101^2 - 1) / 12 = 850.
  for (int i = 0; i < 101; ++i)
    EXPECT_NEAR(out[static_cast<std::size_t>(i)], 2 * (i - 50) / std::sqrt(850.0) + 1, 1e-5);
}

TEST(RotateHead, TurnsTheTwoHalvesAgainstEachOther) {
  // Two pairs: (1, 0) by 90 degrees and (2, 3) by 180 degrees.
  std::vector<float> head{1, 2, 0, 3, 7};
  const std::vector<float> cosine{0, -1}, sine{1, 0};
  rotate_head(head.data(), cosine.data(), sine.data(), 2);
  EXPECT_EQ(head, (std::vector<float>{0, -2, 1, -3, 7}));
}

TEST(SoftCap, IsCapTimesTanh) {
  std::vector<float> x;
  for (int i = -40; i <= 40; ++i) x.push_back(static_cast<float>(i));
  std::vector<float> capped = x;
  soft_cap(capped.data(), capped.size(), 8.0F);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(capped[i], 8 * std::tanh(x[i] / 8), 2e-6);
}

TEST(LogitSummary, NamesTheFirstOfEqualBestAndTheLogOfTheSum) {
  std::vector<float> logits(1003, 0.0F);
  logits[700] = logits[900] = 5.0F;
  const LogitSummary summary = summarize_logits(logits.data(), logits.size());
  EXPECT_EQ(summary.best, 700U);
  EXPECT_EQ(summary.largest, 5.0F);
  EXPECT_NEAR(summary.log_sum_exp, std::log(1001 + 2 * std::exp(5.0)), 1e-6);
}

TEST(LogitSummary, IsExactForLargeLogits) {
  const std::vector<float> logits{1000, 1001, 999};
  EXPECT_NEAR(summarize_logits(logits.data(), 3).log_sum_exp, 1001 + std::log(1 + std::exp(-1.0) + std::exp(-2.0)),
              1e-6);
}

TEST(LogitSummary, PassesOverNaN) {
  const std::vector<float> logits{std::numeric_limits<float>::quiet_NaN(), 1, 2};
  EXPECT_EQ(summarize_logits(logits.data(), 3).best, 2U);
}

}  // namespace
}  // namespace cambium::model
