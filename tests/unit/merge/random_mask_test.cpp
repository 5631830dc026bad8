#include "merge/random_mask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "checkpoint/json.h"
#include "merge/philox.h"
#include "merge/rank_mask.h"
#include "support/merge_task.h"

namespace cambium::merge {
namespace {

using ::testing::ElementsAre;

// The known answers that come with the paper's code (philox4x32, 10 rounds).
TEST(Philox, GivesTheAuthorsKnownAnswers) {
  std::array<std::uint32_t, 4> out{};
  philox_block(0, 0, 0, out);
  EXPECT_THAT(out, ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  philox_block(~0ULL, ~0ULL, ~0ULL, out);
  EXPECT_THAT(out, ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  philox_block(0x85a308d3243f6a88, 0x0370734413198a2e, 0x299f31d0a4093822, out);
  EXPECT_THAT(out, ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

std::vector<std::uint32_t> words(const RandomMask& mask, std::uint64_t first, std::size_t count) {
  std::vector<std::uint32_t> out(count);
  mask.words(first, out);
  return out;
}

TEST(RandomMask, GivesAnElementTheSameWordWhereverAReadBegins) {
  const RandomMask mask(7, "layer.weight", "model");
  const std::vector<std::uint32_t> whole = words(mask, 0, 1000);
  for (const std::size_t first : {1U, 15U, 16U, 63U, 64U, 65U, 130U, 511U}) {
    const std::vector<std::uint32_t> part = words(mask, first, 300);
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + first)) << first;
  }
}

TEST(RandomMask, CountsOnBeyondFourThousandMillionElements) {
  const RandomMask mask(7, "layer.weight", "model");
  const std::uint64_t far = (std::uint64_t{1} << 36) + 5;
  EXPECT_EQ(words(mask, far, 200)[100], words(mask, far + 100, 1)[0]);
  EXPECT_NE(words(mask, far, 64), words(mask, 5, 64));
}

TEST(RandomMask, DependsOnSeedTensorAndModel) {
  const auto of = [](std::uint64_t seed, const char* tensor, const char* model) {
    return words(RandomMask(seed, tensor, model), 0, 64);
  };
  const auto first = of(1, "a.weight", "m");
  EXPECT_EQ(first, of(1, "a.weight", "m"));
  EXPECT_NE(first, of(2, "a.weight", "m"));
  EXPECT_NE(first, of(1, "b.weight", "m"));
  EXPECT_NE(first, of(1, "a.weight", "n"));
  EXPECT_NE(of(1, "a", "bc"), of(1, "ab", "c"));
}

TEST(RandomMask, KeepsEachElementWithTheDensityOverSeedsAndModels) {
  const std::size_t elements = 7920;
  for (const double density : {0.1, 0.5, 0.6, 0.9}) {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      std::vector<float> values(elements, 1.0F);
      RandomMask(seed, "t", "m").apply(keep_below(density), 0, values);
      const double share = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(elements);
      const double sigma = std::sqrt(density * (1 - density) / static_cast<double>(elements));
      EXPECT_NEAR(share, density, 4.5 * sigma) << "seed " << seed;
    }
  }
}

TEST(RandomMask, OfTwoModelsAreIndependent) {
  const std::size_t elements = 100000;
  std::vector<float> one(elements, 1.0F), other(elements, 1.0F);
  RandomMask(3, "t", "one").apply(keep_below(0.5), 0, one);
  RandomMask(3, "t", "other").apply(keep_below(0.5), 0, other);
  double both = 0, neighbours = 0;
  for (std::size_t i = 0; i < elements; ++i) {
    both += one[i] * other[i];
    if (i > 0) neighbours += one[i] * one[i - 1];
  }
  EXPECT_NEAR(both / elements, 0.25, 0.007);
  EXPECT_NEAR(neighbours / elements, 0.25, 0.007);
}

// The rule without tricks: sort the row, compare each word with the chance of its rank.
std::vector<float> rank_mask_by_sorting(const RandomMask& random, double density, double epsilon, std::size_t row,
                                        const std::vector<float>& values) {
  const std::vector<std::uint32_t> drawn = words(random, 0, values.size());
  std::vector<float> result = values;
  for (std::size_t at = 0; at < values.size(); at += row) {
    std::vector<std::size_t> order(row);
    std::iota(order.begin(), order.end(), at);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return std::abs(values[a]) < std::abs(values[b]); });
    for (std::size_t begin = 0, end = 0; begin < row; begin = end) {
      const float size = std::abs(values[order[begin]]);
      while (end < row && std::abs(values[order[end]]) == size) ++end;
      const std::size_t rank = (begin + end - 1) / 2;  // equal magnitudes share the middle of their ranks
      const double share = row == 1 ? 0.5 : static_cast<double>(rank) / static_cast<double>(row - 1);
      for (std::size_t k = begin; k < end; ++k) {
        if (drawn[order[k]] >= keep_below(density - epsilon + 2 * epsilon * share)) result[order[k]] = 0;
      }
    }
  }
  return result;
}

TEST(RankMask, IsExactlyTheRuleOfTheSortedRow) {
  const RandomMask random(5, "t", "m");
  for (const std::size_t row : {1U, 2U, 24U, 1000U, 4099U}) {
    const std::size_t rows = row < 100 ? 40 : 3;
    std::vector<std::vector<float>> kinds;
    kinds.push_back(testing_support::random_weights(row * rows, 1));
    kinds.push_back(testing_support::floats_of(DType::kBF16, testing_support::stored_as(DType::kBF16, kinds[0])));
    kinds.emplace_back(row * rows);  // few values, many ties, some zeros
    for (std::size_t i = 0; i < row * rows; ++i) kinds.back()[i] = static_cast<float>(i * 7 % 5) - 2;
    kinds.emplace_back(row * rows);  // from the smallest to the largest floats
    for (std::size_t i = 0; i < row * rows; ++i)
      kinds.back()[i] = std::ldexp(1.0F + static_cast<float>(i % 3), static_cast<int>(i % 250) - 130);
    kinds.emplace_back(row * rows, 0.25F);
    for (std::vector<float>& values : kinds) {
      const std::vector<float> expected = rank_mask_by_sorting(random, 0.5, 0.3, row, values);
      RankMask(random, 0.5, 0.3, row).apply(0, values);
      EXPECT_EQ(values, expected) << "row of " << row;
    }
  }
}

// Frequencies with which mergekit keeps each rank of a row of 24, over 20,000 draws each.
TEST(RankMask, KeepsEachRankAsOftenAsMergekit) {
  const checkpoint::Json recorded =
      checkpoint::read_json(std::string(CAMBIUM_SOURCE_DIR) + "/tests/golden/merges/expected/random_masks.json");
  const std::size_t width = 24, draws = 20000;
  struct Setting {
    const char* key;
    double density, epsilon;
  };
  for (const Setting& setting :
       {Setting{"della density=0.5 epsilon=0.1", 0.5, 0.1}, Setting{"della density=0.3 epsilon=0.2", 0.3, 0.2},
        Setting{"della density=0.7 epsilon=0.15", 0.7, 0.15}}) {
    std::vector<float> rows(width * draws);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = 1 + static_cast<float>(i % width);
    RankMask(RandomMask(11, "t", "m"), setting.density, setting.epsilon, width).apply(0, rows);
    for (std::size_t rank = 0; rank < width; ++rank) {
      double kept = 0;
      for (std::size_t draw = 0; draw < draws; ++draw) kept += rows[draw * width + rank] != 0 ? 1 : 0;
      const double expected = recorded[setting.key][rank];
      const double sigma = std::sqrt(2 * expected * (1 - expected) / static_cast<double>(draws));
      EXPECT_NEAR(kept / static_cast<double>(draws), expected, 4.5 * sigma) << setting.key << " rank " << rank;
    }
  }
}

TEST(Dare, RescalesWhatIsKeptToTheOldSumOfMagnitudes) {
  using testing_support::Model;
  const std::size_t count = 20000;
  std::vector<float> tuned = testing_support::random_weights(count, 3, 1.0F);
  const std::vector<float> zero(count);
  const std::vector<float> out = testing_support::merge_vector(
      "dare_linear", {testing_support::base_model(zero), Model{"m", tuned, {{"weight", 1}, {"density", 0.3}}}});
  double before = 0, after = 0;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    before += std::abs(tuned[i]);
    after += std::abs(out[i]);
    kept += out[i] != 0 ? 1 : 0;
  }
  EXPECT_NEAR(after / before, 1, 1e-5);
  EXPECT_NEAR(static_cast<double>(kept) / count, 0.3, 0.015);
}

}  // namespace
}  // namespace cambium::merge
