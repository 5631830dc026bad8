#include "checkpoint/content_hash.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cambium::checkpoint {
namespace {

// The first is that of no bytes, as `xxhsum -H2 /dev/null` gives it.
TEST(ContentHash, IsXxh3InTheUsualSpelling) {
  EXPECT_EQ(to_string(hash_text("")), "99aa06d3014798d86001c324468d497f");
  const ContentHash hash = hash_text("cambium");
  EXPECT_EQ(content_hash_from_string(to_string(hash)), hash);
  EXPECT_EQ(content_hash_from_string("99aa06d3014798d86001c324468d497"), std::nullopt);
  EXPECT_EQ(content_hash_from_string("99aa06d3014798d86001c324468d497g"), std::nullopt);
}

TEST(TensorHasher, BlocksMayComeInAnyOrder) {
  constexpr std::size_t kBlock = TensorHasher::kBlockBytes;
  std::vector<std::byte> bytes(3 * kBlock + 6);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 31 >> 3);
  const Shape shape{static_cast<std::int64_t>(bytes.size() / 2)};
  const auto all = std::span<const std::byte>(bytes);
  TensorHasher hasher(DType::kBF16, shape);
  hasher.add(2 * kBlock, all.subspan(2 * kBlock));
  hasher.add(0, all.first(2 * kBlock));
  EXPECT_EQ(hasher.finish(), hash_tensor(DType::kBF16, shape, all));
}

TEST(TensorHasher, TypeShapeAndEachByteCount) {
  std::vector<std::byte> bytes(24);
  const ContentHash hash = hash_tensor(DType::kBF16, {3, 4}, bytes);
  EXPECT_NE(hash, hash_tensor(DType::kF16, {3, 4}, bytes));
  EXPECT_NE(hash, hash_tensor(DType::kBF16, {4, 3}, bytes));
  bytes[23] = std::byte{1};
  EXPECT_NE(hash, hash_tensor(DType::kBF16, {3, 4}, bytes));
}

TEST(TensorHasher, EmptyTensorsHaveAHash) {
  EXPECT_NE(hash_tensor(DType::kF32, {0}, {}), hash_tensor(DType::kF32, {0, 2}, {}));
}

}  // namespace
}  // namespace cambium::checkpoint
