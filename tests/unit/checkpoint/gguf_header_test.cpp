#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "checkpoint/gguf_file.h"
#include "support/gguf_bytes.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

using test::GgufBytes;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint32_t kF32 = 0, kQ4_0 = 2;

// The message with which these bytes are refused, or "accepted".
std::string refusal(const GgufBytes& file) {
  try {
    (void)parse_gguf(file.bytes(), "model.gguf");
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(GgufHeader, ReadsKeysOfEveryTypeAndTensorsOutermostDimensionFirst) {
  GgufBytes file;
  file.head(2, 7)
      .text_key("general.architecture", "llama")
      .key("a.int8", 1)
      .number(std::int8_t{-3})
      .key("a.uint64", 10)
      .number(std::uint64_t{1} << 40)
      .float_key("a.float", 1e-5F)
      .key("a.bool", 7)
      .number(std::uint8_t{1})
      .texts_key("a.texts", {"x", "", "z"})
      .array_key<std::int16_t>("a.numbers", 3, {7, -8});
  file.tensor("first", {64, 2}, kQ4_0, 0).tensor("second", {3}, kF32, 96).pad().zeros(2 * 2 * 18 + 24 + 12).pad();
  const GgufHeader header = parse_gguf(file.bytes(), "model.gguf");
  const GgufMetadata& metadata = header.metadata;
  EXPECT_EQ(header.version, 3U);
  EXPECT_EQ(metadata.text("general.architecture"), "llama");
  EXPECT_EQ(metadata.integer("a.int8"), -3);
  EXPECT_EQ(metadata.integer("a.uint64"), std::int64_t{1} << 40);
  EXPECT_EQ(metadata.number("a.float"), 1e-5) << "the shortest decimal, not 9.99999974737875e-06";
  EXPECT_EQ(metadata.boolean("a.bool"), true);
  EXPECT_THAT(metadata.texts("a.texts"), ElementsAre("x", "", "z"));
  EXPECT_THAT(metadata.integers("a.numbers"), ElementsAre(7, -8));
  EXPECT_FALSE(metadata.integer("a.absent").has_value());
  ASSERT_EQ(header.tensors.size(), 2U);
  EXPECT_THAT(header.tensors[0].shape, ElementsAre(2, 64));
  EXPECT_EQ(header.tensors[0].bytes, 72U);
  EXPECT_EQ(header.tensors[1].begin, header.tensors[0].begin + 96);
}

TEST(GgufHeader, ReadsVersion2AndArraysInArrays) {
  GgufBytes file;
  file.head(0, 1, 2).key("nested", 9).number(std::uint32_t{9}).number(std::uint64_t{1});
  file.number(std::uint32_t{4}).number(std::uint64_t{2}).number(std::uint32_t{5}).number(std::uint32_t{6});
  EXPECT_EQ(refusal(file), "accepted");
}

TEST(GgufHeader, NamesKeyAndBothKindsWhenAValueIsOfAnother) {
  GgufBytes file;
  file.head(0, 2).text_key("llama.block_count", "30").texts_key("tokens", {"a"});
  const GgufHeader header = parse_gguf(file.bytes(), "model.gguf");
  EXPECT_THAT([&] { (void)header.metadata.integer("llama.block_count"); },
              testing::ThrowsMessage<CheckpointError>(AllOf(HasSubstr("model.gguf"), HasSubstr("llama.block_count"),
                                                            HasSubstr("text"), HasSubstr("integer"))));
  EXPECT_THROW((void)header.metadata.text("tokens"), CheckpointError);
  EXPECT_THROW((void)header.metadata.integers("tokens"), CheckpointError);
  EXPECT_THROW((void)header.metadata.required_integer("llama.context_length"), CheckpointError);
}

TEST(GgufHeader, RefusesFilesOfAnotherKindVersionOrByteOrder) {
  EXPECT_THAT(refusal(GgufBytes{}), HasSubstr("cut short"));
  EXPECT_THAT(refusal(GgufBytes().raw("PK\x03\x04").zeros(40)), HasSubstr("not a GGUF file"));
  EXPECT_THAT(refusal(GgufBytes().raw("tjgg").zeros(40)), HasSubstr("before GGUF"));
  EXPECT_THAT(refusal(GgufBytes().head(0, 0, 1)), HasSubstr("version 1, expected 2 or 3"));
  EXPECT_THAT(refusal(GgufBytes().head(0, 0, 4)), HasSubstr("version 4"));
  EXPECT_THAT(refusal(GgufBytes().head(0, 0, 0x03000000)), HasSubstr("big-endian"));
}

TEST(GgufHeader, RefusesCountsThatTheFileCannotHold) {
  EXPECT_THAT(refusal(GgufBytes().head(0, UINT64_MAX)), AllOf(HasSubstr("keys"), HasSubstr("at most 0")));
  EXPECT_THAT(refusal(GgufBytes().head(UINT64_MAX / 2, 0).zeros(64)), HasSubstr("tensors"));
  GgufBytes text;
  text.head(0, 1).key("name", 8).number(UINT64_MAX).zeros(8);
  EXPECT_THAT(refusal(text), AllOf(HasSubstr("'name'"), HasSubstr("18446744073709551615")));
  GgufBytes array;
  array.head(0, 1).key("list", 9).number(std::uint32_t{4}).number(std::uint64_t{1} << 62).zeros(8);
  EXPECT_THAT(refusal(array), AllOf(HasSubstr("'list'"), HasSubstr("at most 2")));
  GgufBytes key;
  key.head(0, 1).number(std::uint64_t{100}).zeros(30);
  EXPECT_THAT(refusal(key), HasSubstr("cut short"));
}

TEST(GgufHeader, RefusesKeysThatAreTwiceEmptyOrNotText) {
  EXPECT_THAT(refusal(GgufBytes().head(0, 2).integer_key("k", 1).integer_key("k", 2)), HasSubstr("'k' is there twice"));
  EXPECT_THAT(refusal(GgufBytes().head(0, 1).integer_key("", 1)), HasSubstr("empty"));
  EXPECT_THAT(refusal(GgufBytes().head(0, 1).integer_key("\xff\xfe", 1)), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal(GgufBytes().head(0, 1).key("k", 13).zeros(8)), HasSubstr("value type 13"));
  EXPECT_THAT(refusal(GgufBytes().head(0, 1).key("k", 7).number(std::uint8_t{2})), HasSubstr("expected 0 or 1"));
  EXPECT_THAT(refusal(GgufBytes().head(0, 1).array_key<std::uint8_t>("k", 7, {0, 3})), HasSubstr("value 3"));
}

TEST(GgufHeader, RefusesArraysNestedWithoutEnd) {
  GgufBytes file;
  file.head(0, 1).key("deep", 9);
  for (int i = 0; i < 100000; ++i) file.number(std::uint32_t{9}).number(std::uint64_t{1});
  EXPECT_THAT(refusal(file), HasSubstr("nested deeper than 8"));
}

TEST(GgufHeader, RefusesTensorsWithImpossibleShapesOrTypes) {
  const auto one = [](const std::vector<std::uint64_t>& shape, std::uint32_t type, std::uint64_t offset = 0) {
    return GgufBytes().head(1, 0).tensor("w", shape, type, offset).pad().zeros(4096);
  };
  EXPECT_THAT(refusal(one({1, 1, 1, 1, 1}, kF32)), HasSubstr("5 dimensions"));
  EXPECT_THAT(refusal(one({0}, kF32)), HasSubstr("dimension of 0"));
  EXPECT_THAT(refusal(one({UINT64_MAX}, kF32)), HasSubstr("dimension of 18446744073709551615"));
  EXPECT_THAT(refusal(one({1ULL << 40, 1ULL << 40}, kF32)), HasSubstr("more values than can be counted"));
  EXPECT_THAT(refusal(one({1ULL << 31, 1ULL << 31}, kF32)), HasSubstr("more bytes than can be counted"));
  EXPECT_THAT(refusal(one({8}, 77)), AllOf(HasSubstr("'w'"), HasSubstr("type 77")));
  EXPECT_THAT(refusal(one({48}, kQ4_0)),
              AllOf(HasSubstr("rows of 48"), HasSubstr("multiple of 32"), HasSubstr("Q4_0")));
  EXPECT_THAT(refusal(one({2048}, kF32)), AllOf(HasSubstr("8192 bytes"), HasSubstr("cut short")));
  EXPECT_THAT(refusal(one({8}, kF32, 8)), AllOf(HasSubstr("offset 8"), HasSubstr("expected 0")));
  EXPECT_THAT(refusal(one({8}, kF32)), HasSubstr("follow the last tensor"));
  EXPECT_EQ(refusal(one({1024}, kF32)), "accepted");
}

TEST(GgufHeader, RefusesTensorsThatOverlapLeaveAHoleOrShareAName) {
  const auto two = [](std::string_view second, std::uint64_t offset) {
    return GgufBytes().head(2, 0).tensor("w", {16}, kF32, 0).tensor(second, {16}, kF32, offset).pad().zeros(128);
  };
  EXPECT_EQ(refusal(two("v", 64)), "accepted");
  EXPECT_THAT(refusal(two("v", 32)), AllOf(HasSubstr("'v'"), HasSubstr("overlap")));
  EXPECT_THAT(refusal(two("v", 96)), HasSubstr("hole"));
  EXPECT_THAT(refusal(two("v", UINT64_MAX - 31)), HasSubstr("expected 64"));
  EXPECT_THAT(refusal(two("w", 64)), HasSubstr("'w' is there twice"));
}

TEST(GgufHeader, RefusesAnAlignmentThatIsNoPowerOfTwo) {
  const auto aligned = [](std::uint32_t alignment) {
    return GgufBytes()
        .head(1, 1)
        .integer_key("general.alignment", alignment)
        .tensor("w", {16}, kF32, 0)
        .pad(64)
        .zeros(64);
  };
  EXPECT_EQ(refusal(aligned(64)), "accepted");
  EXPECT_THAT(refusal(aligned(0)), HasSubstr("power of two"));
  EXPECT_THAT(refusal(aligned(48)), HasSubstr("power of two"));
  EXPECT_THAT(refusal(aligned(1U << 31)), HasSubstr("power of two"));
}

TEST(GgufHeader, RefusesEveryTruncationOfAGoodFile) {
  GgufBytes file;
  file.head(2, 3).text_key("general.architecture", "llama").texts_key("t", {"a", "b"}).array_key<float>("f", 6, {1, 2});
  file.tensor("first", {32, 2}, kQ4_0, 0).tensor("second", {4}, kF32, 64).pad().zeros(64 + 16);
  ASSERT_EQ(refusal(file), "accepted");
  for (std::size_t size = 0; size < file.bytes().size(); ++size) {
    EXPECT_THROW((void)parse_gguf(file.bytes().first(size), "cut.gguf"), CheckpointError) << size;
  }
}

}  // namespace
}  // namespace cambium::checkpoint
