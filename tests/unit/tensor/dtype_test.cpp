#include "tensor/dtype.h"

#include <gtest/gtest.h>

namespace cambium {
namespace {

constexpr DType kLast = DType::kU64;

TEST(DType, EveryTypeIsFoundByBothItsNames) {
  for (int i = 0; i <= static_cast<int>(kLast); ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(dtype_from_name(name_of(dtype)), dtype);
    if (!torch_name_of(dtype).empty()) {
      EXPECT_EQ(dtype_from_name(torch_name_of(dtype)), dtype);
    }
  }
}

TEST(DType, KnowsTheSizesOfPackedTypes) {
  EXPECT_EQ(bits_of(DType::kF4), 4);
  EXPECT_EQ(bits_of(DType::kF6E3M2), 6);
  EXPECT_EQ(bits_of(DType::kC64), 64);
  EXPECT_EQ(bits_of(DType::kBF16), 16);
}

TEST(DType, RefusesUnknownNames) {
  EXPECT_EQ(dtype_from_name("F31"), std::nullopt);
  EXPECT_EQ(dtype_from_name("bf16"), std::nullopt);
  EXPECT_EQ(dtype_from_name(""), std::nullopt);  // F6 has no torch name
}

TEST(DType, PromotesAsTorchDoes) {
  EXPECT_EQ(promote(DType::kBF16, DType::kF16), DType::kF32);
  EXPECT_EQ(promote(DType::kBF16, DType::kBF16), DType::kBF16);
  EXPECT_EQ(promote(DType::kBF16, DType::kF32), DType::kF32);
  EXPECT_EQ(promote(DType::kF64, DType::kF16), DType::kF64);
}

}  // namespace
}  // namespace cambium
