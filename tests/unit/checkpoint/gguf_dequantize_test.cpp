#include "checkpoint/gguf_dequantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "checkpoint/gguf_file.h"

namespace cambium::checkpoint {
namespace {

// blocks.gguf holds a tensor of each type and, as "TYPE.values", the float32 values that the Python package gguf reads.
TEST(GgufDequantize, GivesTheReferencesBitsForEveryType) {
  const GgufFile file(CAMBIUM_SOURCE_DIR "/tests/golden/gguf/blocks.gguf");
  std::size_t compared = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    const auto expected = std::ranges::find(file.tensors(), tensor.name + ".values", &GgufTensor::name);
    if (expected == file.tensors().end()) continue;
    SCOPED_TRACE(tensor.name);
    std::vector<float> values(expected->bytes / sizeof(float));
    dequantize_gguf(static_cast<GgufTensorType>(tensor.type->id), file.bytes(tensor), values);
    EXPECT_EQ(std::memcmp(values.data(), file.bytes(*expected).data(), expected->bytes), 0);
    ++compared;
  }
  EXPECT_EQ(compared, 12U);
}

// By hand: scale 0.5 (half 0x3800), then nibbles; value = 0.5 * (nibble - 8).
TEST(GgufDequantize, ReadsAQ4_0BlockAsWorkedOutByHand) {
  std::array<std::byte, 18> block{};
  block[1] = std::byte{0x38};
  block[2] = std::byte{0xF0};   // value 0: nibble 0, value 16: nibble 15
  block[17] = std::byte{0x19};  // value 15: nibble 9, value 31: nibble 1
  std::array<float, 32> values{};
  dequantize_gguf(GgufTensorType::kQ4_0, block, values);
  EXPECT_EQ(values[0], -4.0F);
  EXPECT_EQ(values[16], 3.5F);
  EXPECT_EQ(values[15], 0.5F);
  EXPECT_EQ(values[31], -3.5F);
}

}  // namespace
}  // namespace cambium::checkpoint
