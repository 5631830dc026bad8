#include "checkpoint/gguf_rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace cambium::checkpoint {
namespace {

// The divisors as llama.cpp's converter writes them: float32 throughout.
std::vector<float> divisors(double theta, std::size_t pairs, float factor, float low, float high, float context) {
  std::vector<float> result;
  for (std::size_t i = 0; i < pairs; ++i) {
    const float frequency =
        1.0F / std::pow(static_cast<float>(theta), static_cast<float>(i) / static_cast<float>(pairs));
    const float wave = 2 * std::numbers::pi_v<float> / frequency;
    if (wave < context / high) {
      result.push_back(1);
    } else if (wave > context / low) {
      result.push_back(factor);
    } else {
      const float smooth = (context / wave - low) / (high - low);
      result.push_back(1 / ((1 - smooth) / factor + smooth));
    }
  }
  return result;
}

TEST(Llama3Rope, IsFoundFromTheDivisorsOfPublishedModels) {
  struct Model {
    std::size_t pairs;
    float factor;
  };
  for (const Model& model : {Model{64, 8}, Model{32, 32}, Model{64, 32}, Model{48, 8}}) {  // 3.1, 3.2 1B, 3.2 3B, ...
    const auto found = find_llama3_rope(500000, divisors(500000, model.pairs, model.factor, 1, 4, 8192));
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->factor, model.factor);
    EXPECT_EQ(found->low_frequency_factor, 1);
    EXPECT_EQ(found->high_frequency_factor, 4);
    EXPECT_EQ(found->original_context, 8192);
  }
}

TEST(Llama3Rope, IsFoundForOtherBandsToo) {
  const auto found = find_llama3_rope(10000, divisors(10000, 64, 4, 1, 8, 2048));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->factor, 4);
  EXPECT_EQ(found->high_frequency_factor, 8);
  EXPECT_EQ(found->original_context, 2048);
}

TEST(Llama3Rope, MeansTheSameWhenNoWavelengthLiesInTheBand) {
  // Two pairs with wavelengths 6.3 and 4443: none between 2048 and 8192 would do, so the context moves below.
  const std::vector<float> factors{1, 8};
  const auto found = find_llama3_rope(500000, factors);
  ASSERT_TRUE(found.has_value());
  const double longest = 2 * std::numbers::pi * std::sqrt(500000.0);
  EXPECT_LT(static_cast<double>(found->original_context) / found->low_frequency_factor, longest);
  EXPECT_GT(static_cast<double>(found->original_context) / found->high_frequency_factor, 2 * std::numbers::pi);
}

TEST(Llama3Rope, IsNotSeenInDivisorsThatFollowNoSuchBand) {
  EXPECT_FALSE(find_llama3_rope(10000, std::vector<float>{1, 1, 1, 1}).has_value());
  EXPECT_FALSE(find_llama3_rope(10000, std::vector<float>{2, 1, 4, 8}).has_value());
  EXPECT_FALSE(find_llama3_rope(10000, std::vector<float>{0.5F, 1, 2}).has_value());
  EXPECT_FALSE(find_llama3_rope(10000, std::vector<float>{}).has_value());
}

}  // namespace
}  // namespace cambium::checkpoint
