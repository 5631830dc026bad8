// The SIMD loops against the same in plain C++, at lengths that leave every kind of rest.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "merge/bfloat16_kernels.h"
#include "merge/element_kernels.h"
#include "merge/rounding.h"
#include "merge/select_kernels.h"
#include "merge/softmax_divergence.h"
#include "merge/sum_kernels.h"
#include "support/merge_task.h"

namespace cambium::merge {
namespace {

using testing_support::random_weights;

const std::vector<std::size_t> kLengths{0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100, 1023};
const std::vector<Rounding> kRoundings{Rounding::kNone, Rounding::kBF16, Rounding::kF16};

// Through the conversion to the stored type and back.
float plain_rounded(Rounding rounding, float value) {
  if (rounding == Rounding::kNone) return value;
  const DType dtype = rounding == Rounding::kBF16 ? DType::kBF16 : DType::kF16;
  return testing_support::floats_of(dtype, testing_support::stored_as(dtype, std::vector<float>{value}))[0];
}

TEST(Rounding, IsThatOfTheStoredTypes) {
  std::vector<float> values{0,        -0.0F,    1,      1.00390625F, 1.01171875F, 65504,    65519.9F,
                            65520,    -70000,   1e30F,  3.4e38F,     6.1e-5F,     6.0e-5F,  5.96e-8F,
                            2.98e-8F, 2.99e-8F, 1e-10F, 1e-40F,      INFINITY,    -INFINITY};
  const std::vector<float> more = random_weights(3000, 5, 100);
  values.insert(values.end(), more.begin(), more.end());
  for (const Rounding rounding : kRoundings) {
    std::vector<float> all = values;
    round_all(rounding, all);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(all[i], plain_rounded(rounding, values[i])) << values[i];
      EXPECT_EQ(rounded(rounding, values[i]), all[i]);
    }
    EXPECT_TRUE(std::isnan(rounded(rounding, std::numeric_limits<float>::quiet_NaN())));
  }
}

TEST(Bfloat16Kernels, WidenAndNarrowAndSeeWhatIsNotFinite) {
  for (const std::size_t n : kLengths) {
    const std::vector<std::byte> stored = testing_support::stored_as(DType::kBF16, random_weights(n, 1));
    std::vector<float> out(n);
    EXPECT_TRUE(widen_bfloat16(stored, out));
    EXPECT_EQ(out, testing_support::floats_of(DType::kBF16, stored));
    std::vector<float> values = random_weights(n, 2);
    std::vector<std::byte> narrowed(2 * n);
    EXPECT_TRUE(narrow_bfloat16(values, narrowed));
    EXPECT_EQ(narrowed, testing_support::stored_as(DType::kBF16, values));
    for (const float bad : {INFINITY, std::numeric_limits<float>::quiet_NaN(), 3.4e38F}) {
      for (std::size_t i = 0; i < n; i += 5) {
        std::vector<float> damaged = values;
        damaged[i] = bad;
        EXPECT_FALSE(narrow_bfloat16(damaged, narrowed));
        EXPECT_EQ(narrowed, testing_support::stored_as(DType::kBF16, damaged));
      }
    }
    for (const float bad : {INFINITY, -INFINITY, std::numeric_limits<float>::quiet_NaN()}) {
      for (std::size_t i = 0; i < n; i += 5) {
        std::vector<std::byte> damaged = stored;
        std::ranges::copy(testing_support::stored_as(DType::kBF16, std::vector<float>{bad}),
                          damaged.begin() + static_cast<std::ptrdiff_t>(2 * i));
        EXPECT_FALSE(widen_bfloat16(damaged, out));
      }
    }
  }
}

TEST(ElementKernels, SubtractScaleAndZeroLikeThePlainLoops) {
  for (const std::size_t n : kLengths) {
    const std::vector<float> base = random_weights(n, 1), tuned = random_weights(n, 2);
    for (const Rounding rounding : kRoundings) {
      std::vector<float> difference = tuned;
      subtract(rounding, base, difference);
      std::vector<float> scaled = difference;
      scale(rounding, 0.7F, scaled);
      std::vector<float> apart(n);
      distances(rounding, base, tuned, apart);
      for (std::size_t i = 0; i < n; ++i) {
        EXPECT_EQ(difference[i], plain_rounded(rounding, tuned[i] - base[i]));
        EXPECT_EQ(scaled[i], plain_rounded(rounding, difference[i] * 0.7F));
        EXPECT_EQ(apart[i], std::abs(difference[i]));
      }
    }
    if (n == 0) continue;
    const float cut = std::abs(tuned[n / 2]);
    for (const bool keep_equal : {false, true}) {
      std::vector<float> low = tuned, high = tuned;
      zero_below(cut, keep_equal, tuned, low);
      zero_above(cut, keep_equal, tuned, high);
      for (std::size_t i = 0; i < n; ++i) {
        const float size = std::abs(tuned[i]);
        EXPECT_EQ(low[i], size > cut || (keep_equal && size == cut) ? tuned[i] : 0);
        EXPECT_EQ(high[i], size < cut || (keep_equal && size == cut) ? tuned[i] : 0);
      }
    }
  }
}

TEST(ElementKernels, CombineInOneRoundingAStep) {
  for (const std::size_t n : kLengths) {
    const std::vector<float> a = random_weights(n, 1), b = random_weights(n, 2), c = random_weights(n, 3);
    std::vector<float> out(n);
    combine(std::vector<float>{0.3F, -1.7F, 0.11F}, std::vector<const float*>{a.data(), b.data(), c.data()}, 0.9F, out);
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_EQ(out[i], std::fma(0.11F, c[i], std::fma(-1.7F, b[i], std::fma(0.3F, a[i], 0.0F))) / 0.9F);
    }
  }
}

// One element of mix(), as its comment has it.
float plain_mix(const MixSteps& steps, std::vector<float> vectors, float base) {
  const auto round = [&](float value) { return plain_rounded(steps.rounding, value); };
  float mixed = 0;
  for (std::size_t k = 0; k < vectors.size(); ++k) {
    if (!steps.rescales.empty()) vectors[k] = round(vectors[k] * steps.rescales[k]);
    vectors[k] = round(vectors[k] * steps.weights[k]);
    mixed += vectors[k];
  }
  mixed = round(mixed);
  float divisor = steps.divisor;
  if (steps.elect_signs) {
    const bool positive = mixed >= 0;
    mixed = divisor = 0;
    for (std::size_t k = 0; k < vectors.size(); ++k) {
      if (positive ? vectors[k] > 0 : vectors[k] < 0) {
        mixed += vectors[k];
        divisor += steps.weights[k];
      }
    }
    mixed = round(mixed);
    divisor = round(divisor);
    if (divisor == 0) divisor = 1;
  }
  if (steps.normalize) mixed = round(mixed / divisor);
  if (steps.lambda != 1) mixed = round(mixed * steps.lambda);
  return round(base + mixed);
}

TEST(ElementKernels, MixLikeThePlainLoopWithAndWithoutElection) {
  const std::vector<float> weights{0.5F, -0.25F, 1}, rescales{1.5F, 2, 0.75F};
  for (const std::size_t n : kLengths) {
    const std::vector<float> base = random_weights(n, 1);
    std::vector<float> a = random_weights(n, 2), b = random_weights(n, 3), c = random_weights(n, 4);
    for (std::size_t i = 0; i < n; i += 3) a[i] = 0;
    for (std::size_t i = 0; i < n; i += 5) b[i] = c[i] = 0;
    for (const Rounding rounding : kRoundings) {
      for (int kind = 0; kind < 16; ++kind) {
        const MixSteps steps{.rounding = rounding,
                             .elect_signs = (kind & 1) != 0,
                             .normalize = (kind & 2) != 0,
                             .divisor = 1.25F,
                             .lambda = (kind & 4) != 0 ? 1.3F : 1.0F,
                             .weights = weights,
                             .rescales = (kind & 8) != 0 ? std::span<const float>(rescales) : std::span<const float>()};
        std::vector<float> out(n);
        std::vector<float> own_a = a, own_b = b, own_c = c;
        mix(steps, std::vector<float*>{own_a.data(), own_b.data(), own_c.data()}, base, out);
        for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(out[i], plain_mix(steps, {a[i], b[i], c[i]}, base[i]));
      }
    }
  }
}

TEST(SumKernels, AddInSixteenPartsOfFloat64) {
  for (const std::size_t n : kLengths) {
    const std::vector<float> x = random_weights(n, 1, 1), y = random_weights(n, 2, 1);
    double products[16] = {}, sizes[16] = {}, distances[16] = {};
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t part = i < n / 16 * 16 ? i % 16 : i - n / 16 * 16;
      products[part] += static_cast<double>(x[i]) * static_cast<double>(y[i]);
      sizes[part] += static_cast<double>(std::abs(x[i]));
      distances[part] += static_cast<double>(std::abs(x[i] - y[i]));
    }
    const auto total = [](const double* parts) {
      double sum = 0;
      for (int i = 0; i < 16; ++i) sum += parts[i];
      return sum;
    };
    EXPECT_EQ(dot(x, y), total(products)) << n;
    EXPECT_EQ(sum_of_magnitudes(x), total(sizes)) << n;
    EXPECT_EQ(sum_of_distances(x, y), total(distances)) << n;
    std::vector<double> columns(n, 1), squares(n, 1);
    add_magnitudes(x, columns);
    add_products(x, y, squares);
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_EQ(columns[i], 1 + static_cast<double>(std::abs(x[i])));
      EXPECT_EQ(squares[i], 1 + static_cast<double>(x[i]) * static_cast<double>(y[i]));
    }
  }
}

TEST(SelectKernels, CollectWhatLiesInTheBracketInOrder) {
  for (const std::size_t n : kLengths) {
    const std::vector<float> scores = random_weights(n, 1, 1);
    std::vector<float> room(n), expected;
    std::size_t above = 0;
    for (const float score : scores) {
      above += score > 0.7F ? 1U : 0U;
      if (score >= -0.2F && score <= 0.7F) expected.push_back(score);
    }
    const Collected found = collect_between(-0.2F, 0.7F, scores, room);
    room.resize(found.inside);
    EXPECT_EQ(found.above, above);
    EXPECT_EQ(room, expected);
    EXPECT_EQ(collect_between(-0.2F, 0.7F, scores, {}).inside, expected.size());
  }
}

TEST(SoftmaxDivergence, IsTheSumOfTheDefinition) {
  for (const std::size_t n : kLengths) {
    if (n == 0) continue;
    const std::vector<float> x = random_weights(n, 1, 2), y = random_weights(n, 2, 2);
    double x_sum = 0, y_sum = 0, expected = 0;
    for (std::size_t i = 0; i < n; ++i) {
      x_sum += std::exp(static_cast<double>(x[i]));
      y_sum += std::exp(static_cast<double>(y[i]));
    }
    for (std::size_t i = 0; i < n; ++i) {
      const double p = std::exp(static_cast<double>(x[i])) / x_sum + 1e-8,
                   q = std::exp(static_cast<double>(y[i])) / y_sum + 1e-8;
      expected += p * std::log(p / q);
    }
    EXPECT_NEAR(softmax_divergence(Rounding::kNone, x, y), expected, 1e-6 * expected + 1e-12);
  }
}

}  // namespace
}  // namespace cambium::merge
