#include "model/native/block_attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

namespace cambium::model {
namespace {

struct Setup {
  std::size_t heads = 6, kv_heads = 2, dim = 10, tokens = 75;
  std::int64_t window = 0;
  float scale = 0.3F, softcap = 0.0F;
  PanelType type = PanelType::kFloat32;
};

struct Sequence {
  Setup setup;
  std::vector<float> queries, keys, values;  // [tokens, heads * dim], [tokens, kv_heads * dim] twice
  KeyValueBlocks cache;
  std::vector<BlockId> blocks;

  explicit Sequence(const Setup& s) : setup(s), cache({s.type, 1, s.kv_heads, s.dim}, 16) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal(0.0F, 1.0F);
    const auto fill = [&](std::vector<float>& values_, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) values_.push_back(normal(random));
    };
    fill(queries, s.tokens * s.heads * s.dim);
    fill(keys, s.tokens * s.kv_heads * s.dim);
    fill(values, s.tokens * s.kv_heads * s.dim);
    for (std::size_t t = 0; t < s.tokens; ++t) {
      if (t % BlockPool::kBlockTokens == 0) blocks.push_back(cache.allocate());
      for (std::size_t h = 0; h < s.kv_heads; ++h) {
        const std::size_t at = (t * s.kv_heads + h) * s.dim;
        cache.store(blocks.back(), 0, h, t % BlockPool::kBlockTokens, &keys[at], &values[at]);
      }
    }
  }

  // Output of tokens first .. last-1, [tokens, heads * dim].
  std::vector<float> attend_from(std::size_t first, std::size_t last, const std::uint8_t* off = nullptr) {
    std::vector<float> out((last - first) * setup.heads * setup.dim, -1.0F);
    AttentionCall call;
    call.cache = &cache;
    call.blocks = blocks.data();
    call.num_heads = setup.heads;
    call.first_position = static_cast<std::int64_t>(first);
    call.tokens = last - first;
    call.window = setup.window;
    call.scale = setup.scale;
    call.softcap = setup.softcap;
    call.queries = &queries[first * setup.heads * setup.dim];
    call.query_stride = call.output_stride = setup.heads * setup.dim;
    call.output = out.data();
    call.heads_off = off;
    for (std::size_t h = 0; h < setup.kv_heads; ++h) attend(call, h, 0, last - first);
    return out;
  }

  // The definition, in float64.
  double expected(std::size_t token, std::size_t head, std::size_t i) const {
    const std::size_t kv = head / (setup.heads / setup.kv_heads), dim = setup.dim;
    double total = 0, sum = 0;
    for (std::size_t t = 0; t <= token; ++t) {
      if (setup.window > 0 && static_cast<std::int64_t>(token - t) >= setup.window) continue;
      double score = 0;
      for (std::size_t j = 0; j < dim; ++j) {
        score += static_cast<double>(queries[(token * setup.heads + head) * dim + j]) *
                 static_cast<double>(keys[(t * setup.kv_heads + kv) * dim + j]);
      }
      score *= static_cast<double>(setup.scale);
      if (setup.softcap > 0)
        score = static_cast<double>(setup.softcap) * std::tanh(score / static_cast<double>(setup.softcap));
      const double share = std::exp(score);
      total += share;
      sum += share * static_cast<double>(values[(t * setup.kv_heads + kv) * dim + i]);
    }
    return sum / total;
  }

  void expect_all(double tolerance) {
    const std::vector<float> out = attend_from(0, setup.tokens);
    for (std::size_t t = 0; t < setup.tokens; ++t) {
      for (std::size_t h = 0; h < setup.heads; ++h) {
        for (std::size_t i = 0; i < setup.dim; ++i) {
          ASSERT_NEAR(static_cast<double>(out[(t * setup.heads + h) * setup.dim + i]), expected(t, h, i), tolerance)
              << "token " << t << " head " << h << " value " << i;
        }
      }
    }
  }
};

TEST(BlockAttention, EqualsTheDefinition) { Sequence({}).expect_all(2e-6); }
TEST(BlockAttention, SeesNoFurtherThanTheWindow) { Sequence({.window = 37}).expect_all(2e-6); }
TEST(BlockAttention, SeesNoFurtherThanAWindowWithinABlock) { Sequence({.window = 5}).expect_all(2e-6); }
TEST(BlockAttention, CapsScores) { Sequence({.scale = 1.5F, .softcap = 4.0F}).expect_all(3e-6); }
TEST(BlockAttention, TakesMoreQueryHeadsThanATileHasRows) {
  Sequence({.heads = 40, .kv_heads = 2, .tokens = 40}).expect_all(2e-6);
}
TEST(BlockAttention, TakesHeadsWiderThanAPanel) { Sequence({.dim = 80, .scale = 0.1F}).expect_all(2e-6); }
TEST(BlockAttention, TakesAnOddHeadSize) { Sequence({.dim = 7}).expect_all(2e-6); }
TEST(BlockAttention, KeepsHalfPrecisionKeysAndValues) {
  Sequence({.type = PanelType::kBFloat16}).expect_all(3e-2);
  Sequence({.type = PanelType::kFloat16}).expect_all(4e-3);
}

TEST(BlockAttention, GivesATokenTheSameBitsAloneAndInAnyChunk) {
  for (const std::int64_t window : {0, 40}) {
    Sequence sequence({.window = window});
    const std::vector<float> whole = sequence.attend_from(0, 75);
    for (std::size_t first = 0; first < 75; first += 11) {
      for (const std::size_t last : {first + 1, std::min<std::size_t>(first + 17, 75)}) {
        const std::vector<float> part = sequence.attend_from(first, last);
        EXPECT_EQ(std::memcmp(part.data(), &whole[first * 60], part.size() * sizeof(float)), 0)
            << first << " to " << last;
      }
    }
  }
}

TEST(BlockAttention, ZeroesTheHeadsThatAreOff) {
  Sequence sequence({});
  const std::uint8_t off[6] = {0, 1, 0, 0, 0, 1};
  const std::vector<float> all = sequence.attend_from(70, 75), masked = sequence.attend_from(70, 75, off);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(masked[i], off[i % 60 / 10] != 0 ? 0.0F : all[i]);
}

TEST(KeyValueBlocks, CopiesAreIndependentAndBlocksComeBackCleared) {
  Sequence sequence({.tokens = 32});
  KeyValueBlocks& cache = sequence.cache;
  const BlockId copy = cache.copy(sequence.blocks[0]);
  EXPECT_EQ(std::memcmp(cache.block(copy), cache.block(sequence.blocks[0]), cache.shape().block_bytes()), 0);
  const std::vector<float> zeros(10, 0.0F);
  cache.store(copy, 0, 0, 3, zeros.data(), zeros.data());
  EXPECT_NE(std::memcmp(cache.block(copy), cache.block(sequence.blocks[0]), cache.shape().block_bytes()), 0);
  EXPECT_EQ(cache.used_blocks(), 2U);
  cache.remove_holder(copy);
  EXPECT_EQ(cache.used_blocks(), 1U);
  const BlockId again = cache.allocate();
  EXPECT_EQ(again, copy);
  const std::vector<std::byte> nothing(cache.shape().block_bytes());
  EXPECT_EQ(std::memcmp(cache.block(again), nothing.data(), nothing.size()), 0);
}

}  // namespace
}  // namespace cambium::model
