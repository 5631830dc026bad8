#include "family/tensor_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "support/memory_weights.h"
#include "tensor/error.h"

namespace cambium::family {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using testing_support::MemoryWeights;

// A weight [6, 2] whose element (row, column) is 10 * row + column.
std::vector<float> table(std::int64_t rows, std::int64_t columns) {
  std::vector<float> values;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) values.push_back(static_cast<float>(10 * r + c));
  }
  return values;
}

std::vector<float> turned(const std::vector<float>& values, std::size_t rows) {
  const std::size_t columns = values.size() / rows;
  std::vector<float> result(values.size());
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) result[c * rows + r] = values[r * columns + c];
  }
  return result;
}

std::vector<float> read_all(const TensorReader& reader) {
  std::vector<float> values(numel(reader.shape()), -1.0F);
  reader.read(0, values);
  return values;
}

Reading part_of(const std::string& source, RowBlocks from, std::int64_t rows, bool source_transposed = false) {
  return {.target = "t",
          .role = Role::kKey,
          .layer = 0,
          .pieces = {{.source = source,
                      .source_rows = from,
                      .target_rows = RowBlocks::range(0, rows),
                      .source_transposed = source_transposed,
                      .whole_source = false}},
          .target_transposed = false,
          .vocabulary = false};
}

TEST(TensorReader, GathersTheRowsOfOneProjectionOutOfATensorFusedHeadByHead) {
  MemoryWeights weights("neox");  // 2 heads of 1 row: q0 k0 v0 q1 k1 v1
  weights.add("qkv", {6, 2}, table(6, 2));
  const TensorReader keys(weights, part_of("qkv", {.first = 1, .rows = 1, .stride = 3, .count = 2}, 2), {2, 2});
  EXPECT_THAT(read_all(keys), ElementsAre(10, 11, 40, 41));
  EXPECT_TRUE(keys.stored().empty());
  EXPECT_EQ(keys.label(), "neox: qkv");
}

TEST(TensorReader, TurnsMatricesStoredTheOtherWay) {
  MemoryWeights weights("gpt2");
  weights.add("c_attn", {2, 6}, turned(table(6, 2), 6));  // [in, out]
  const TensorReader values(weights, part_of("c_attn", RowBlocks::range(4, 2), 2, true), {2, 2});
  EXPECT_THAT(read_all(values), ElementsAre(40, 41, 50, 51));
}

TEST(TensorReader, PutsSeveralTensorsTogetherIntoAFusedTransposedOne) {
  MemoryWeights weights("llama");
  weights.add("q", {2, 2}, {0, 1, 10, 11});
  weights.add("k", {1, 2}, {20, 21});
  Reading reading{.target = "qk",
                  .role = Role::kQueryKeyValue,
                  .layer = 0,
                  .pieces = {},
                  .target_transposed = true,
                  .vocabulary = false};
  for (const auto& [name, at] : {std::pair{"q", RowBlocks::range(0, 2)}, std::pair{"k", RowBlocks::range(2, 1)}}) {
    reading.pieces.push_back({.source = name,
                              .source_rows = RowBlocks::range(0, at.rows),
                              .target_rows = at,
                              .source_transposed = false,
                              .whole_source = true});
  }
  const TensorReader fused(weights, reading, {2, 3});
  EXPECT_THAT(read_all(fused), ElementsAre(0, 10, 20, 1, 11, 21));
  EXPECT_EQ(fused.label(), "llama: q + k");
}

TEST(TensorReader, ReadsAnyRangeAsThePartOfTheWhole) {
  MemoryWeights weights("m");
  weights.add("a", {5, 7}, table(5, 7));
  weights.add("b", {7, 6}, turned(table(6, 7), 6));
  for (const bool target_transposed : {false, true}) {
    Reading reading{.target = "t",
                    .role = Role::kOther,
                    .layer = 0,
                    .pieces = {},
                    .target_transposed = target_transposed,
                    .vocabulary = false};
    // Rows of both sources in turn: a1 b0 a2 b2 a3 b4.
    reading.pieces.push_back({.source = "a",
                              .source_rows = RowBlocks::range(1, 3),
                              .target_rows = {.first = 0, .rows = 1, .stride = 2, .count = 3},
                              .source_transposed = false,
                              .whole_source = false});
    reading.pieces.push_back({.source = "b",
                              .source_rows = {.first = 0, .rows = 1, .stride = 2, .count = 3},
                              .target_rows = {.first = 1, .rows = 1, .stride = 2, .count = 3},
                              .source_transposed = true,
                              .whole_source = false});
    const TensorReader reader(weights, reading, target_transposed ? Shape{7, 6} : Shape{6, 7});
    std::vector<float> expected;
    for (const int row : {1, 0, 2, 2, 3, 4}) {
      for (int column = 0; column < 7; ++column) expected.push_back(static_cast<float>(10 * row + column));
    }
    if (target_transposed) expected = turned(expected, 6);
    EXPECT_EQ(read_all(reader), expected);
    for (std::size_t first = 0; first < 42; ++first) {
      for (std::size_t count = 1; first + count <= 42; ++count) {
        std::vector<float> piece(count);
        reader.read(first, piece);
        ASSERT_EQ(piece, std::vector<float>(expected.begin() + static_cast<std::ptrdiff_t>(first),
                                            expected.begin() + static_cast<std::ptrdiff_t>(first + count)))
            << first << " " << count;
        reader.release(first, count);
      }
    }
  }
}

TEST(TensorReader, LooksUpTheRowsOfTokensAndLeavesAbsentOnesAlone) {
  MemoryWeights weights("m");
  weights.add("embed", {3, 2}, table(3, 2), DType::kBF16);
  Reading reading{.target = "e",
                  .role = Role::kEmbedding,
                  .layer = -1,
                  .pieces = {{.source = "embed",
                              .source_rows = RowBlocks::range(0, 3),
                              .target_rows = RowBlocks::range(0, 5),
                              .source_transposed = false,
                              .whole_source = true}},
                  .target_transposed = false,
                  .vocabulary = true};
  const std::array<std::int64_t, 5> rows{1, 2, -1, 0, 7};
  const TensorReader reader(weights, reading, {5, 2}, rows);
  EXPECT_THAT(read_all(reader), ElementsAre(10, 11, 20, 21, -1, -1, 0, 1, -1, -1));
  EXPECT_TRUE(reader.has_row(3));
  EXPECT_FALSE(reader.has_row(2));
  EXPECT_FALSE(reader.has_row(4));
  EXPECT_FALSE(reader.complete());
  EXPECT_TRUE(reader.stored().empty());

  const std::array<std::int64_t, 2> same{0, 1};
  const TensorReader first_rows(weights, reading, {2, 2}, same);
  EXPECT_TRUE(first_rows.complete());
  EXPECT_EQ(first_rows.stored().size(), 8U);
  EXPECT_EQ(first_rows.stored().data(), weights.mapped("embed").data());
}

TEST(TensorReader, ReadsSourcesThatAreNotMapped) {
  MemoryWeights weights("virtual");
  weights.add_counting("w", {3, 2}, 1.0F, DType::kF16);
  weights.hide_bytes();
  const TensorReader reader = TensorReader::whole(weights, weights.tensors()[0]);
  EXPECT_THAT(read_all(reader), ElementsAre(1, 1.5, 2, 2.5, 3, 3.5));
  EXPECT_EQ(reader.dtype(), DType::kF16);
}

TEST(TensorReader, RefusesTypesItCannotComputeOnAndReadingsThatDoNotFit) {
  MemoryWeights weights("m");
  weights.add("w", {3, 2}, table(3, 2));
  const auto read_as = [&](Reading reading, Shape shape) { (void)TensorReader(weights, reading, std::move(shape)); };
  EXPECT_THAT(
      [&] {
        read_as(part_of("w", RowBlocks::range(2, 2), 2), {2, 2});
      },
      ThrowsMessage<ShapeError>(AllOf(HasSubstr("'w' has shape [3, 2]"), HasSubstr("[2, 2]"))));
  EXPECT_THAT(
      [&] {
        read_as(part_of("w", RowBlocks::range(0, 3), 3), {3, 4});
      },
      ThrowsMessage<ShapeError>(HasSubstr("[3, 4]")));
  EXPECT_THAT(
      [&] {
        read_as(part_of("v", RowBlocks::range(0, 3), 3), {3, 2});
      },
      ThrowsMessage<CheckpointError>(HasSubstr("no tensor 'v'")));
}

}  // namespace
}  // namespace cambium::family
