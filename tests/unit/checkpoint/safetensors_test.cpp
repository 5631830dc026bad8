#include "checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "checkpoint/safetensors_header.h"
#include "support/safetensors_text.h"
#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::ThrowsMessage;
using testing_support::header_bytes;
using testing_support::safetensors_text;
using testing_support::TempFolder;

SafetensorsHeader parse(const std::string& header, std::size_t data_bytes) {
  const std::string text = safetensors_text(header, data_bytes);
  return parse_safetensors_header(text, text.size(), "m.safetensors");
}

std::vector<std::string> names(const SafetensorsHeader& header) {
  std::vector<std::string> all;
  for (const StoredTensor& tensor : header.tensors) all.push_back(tensor.name);
  return all;
}

// Expects a refusal whose message names the file and holds `what`.
void expect_refused(const std::string& header, std::size_t data_bytes, const std::string& what) {
  EXPECT_THAT([&] { parse(header, data_bytes); },
              ThrowsMessage<CheckpointError>(AllOf(HasSubstr("m.safetensors"), HasSubstr(what))))
      << header.substr(0, 200);
}

TEST(Safetensors, ReadsTensorsInTheOrderOfTheirBytesAndMetadata) {
  const TempFolder folder;
  const std::string header =
      R"({"__metadata__":{"format":"pt","note":"1"},"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},)"
      R"("a":{"shape":[],"dtype":"F32","data_offsets":[0,4]}}  )";
  std::string text = safetensors_text(header, 16);
  text[text.size() - 12] = 'x';
  const SafetensorsFile file(folder.write("m.safetensors", text));
  ASSERT_EQ(file.tensors().size(), 2U);
  const StoredTensor& a = file.tensors()[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_THAT(a.shape, IsEmpty());
  EXPECT_EQ(a.bytes(), 4U);
  const StoredTensor& b = file.tensors()[1];
  EXPECT_EQ(b.dtype, DType::kBF16);
  EXPECT_THAT(b.shape, ElementsAre(2, 3));
  EXPECT_EQ(b.begin, 8 + header.size() + 4);
  EXPECT_EQ(file.bytes(b).size(), 12U);
  EXPECT_EQ(file.bytes(b)[0], std::byte{'x'});
  EXPECT_THAT(file.metadata(), ElementsAre(Pair("format", "pt"), Pair("note", "1")));
  file.release(file.bytes(b));
  EXPECT_EQ(file.bytes(b)[0], std::byte{'x'});
}

TEST(Safetensors, EmptyTensorsTakeNoBytesWhereverTheyAre) {
  const SafetensorsHeader header = parse(R"({"z":{"dtype":"F32","shape":[0,7],"data_offsets":[4,4]},)"
                                         R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                                         R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},)"
                                         R"("y":{"dtype":"I64","shape":[0],"data_offsets":[8,8]}})",
                                         8);
  EXPECT_THAT(names(header), ElementsAre("a", "z", "b", "y"));
}

TEST(Safetensors, AFileWithoutTensorsIsLegal) {
  EXPECT_THAT(parse("{}", 0).tensors, IsEmpty());
  expect_refused("{}", 3, "3 bytes behind the last tensor");
}

TEST(Safetensors, PackedTypesTakeTheirBits) {
  EXPECT_EQ(parse(R"({"a":{"dtype":"F4","shape":[3,2],"data_offsets":[0,3]}})", 3).tensors[0].bytes(), 3U);
  EXPECT_EQ(parse(R"({"a":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]}})", 3).tensors[0].bytes(), 3U);
  expect_refused(R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}})", 2, "does not end on a whole byte");
  expect_refused(R"({"a":{"dtype":"F6_E3M2","shape":[2],"data_offsets":[0,2]}})", 2, "does not end on a whole byte");
}

TEST(Safetensors, KnowsEveryTypeOfTheFormat) {
  for (int i = 0; i <= static_cast<int>(DType::kU64); ++i) {
    const auto dtype = static_cast<DType>(i);
    const int bytes = bits_of(dtype);  // of 8 elements
    const std::string header = R"({"a":{"dtype":")" + std::string(name_of(dtype)) +
                               R"(","shape":[8],"data_offsets":[0,)" + std::to_string(bytes) + "]}}";
    EXPECT_EQ(parse(header, static_cast<std::size_t>(bytes)).tensors[0].dtype, dtype);
  }
}

TEST(Safetensors, NamesTensorAndBothSizesWhenTheFileIsCutShort) {
  const TempFolder folder;
  const auto file = folder.write(
      "m.safetensors",
      safetensors_text(R"({"lm_head.weight":{"dtype":"F32","shape":[1024],"data_offsets":[0,4096]}})", 1024));
  EXPECT_THAT([&] { SafetensorsFile{file}; },
              ThrowsMessage<CheckpointError>(
                  AllOf(HasSubstr(file.string()), HasSubstr("lm_head.weight"), HasSubstr("4096"), HasSubstr("1024"))));
}

TEST(Safetensors, RefusesFilesTooShortForTheirHeader) {
  const auto refused = [](const std::string& text, const std::string& what) {
    EXPECT_THAT([&] { return parse_safetensors_header(text, text.size(), "m.safetensors"); },
                ThrowsMessage<CheckpointError>(HasSubstr(what)));
  };
  refused("", "0 bytes are too few");
  refused(std::string(7, '\0'), "7 bytes are too few");
  refused(std::string(8, '\0'), "found nothing");  // header length 0
  refused(header_bytes("{}", 3), "would be 3 bytes long, but the file has only 2");
  refused(header_bytes("{}", std::uint64_t{1} << 62), "4611686018427387904");
  refused(header_bytes("{}", UINT64_MAX), "not a safetensors file");
  refused(header_bytes("{}", 100'000'001), "more than the 100000000");
}

TEST(Safetensors, RefusesAnEmptyFileAndAFolder) {
  const TempFolder folder;
  EXPECT_THROW(SafetensorsFile{folder.write("m.safetensors", "")}, CheckpointError);
  EXPECT_THROW(SafetensorsFile{folder.path()}, CheckpointError);
  EXPECT_THROW(SafetensorsFile{folder / "none.safetensors"}, SystemError);
}

TEST(Safetensors, RefusesHeadersThatAreNoJsonObject) {
  expect_refused(std::string(64, '{'), 0, "not valid JSON");
  expect_refused("[]", 0, "expected an object");
  expect_refused("7", 0, "expected an object");
  expect_refused(R"({"a":)", 0, "not valid JSON");
  expect_refused("{} x", 0, "not valid JSON");
  expect_refused(std::string("{}\0\0", 4), 0, "not valid JSON");
  expect_refused(R"({"a":7})", 0, "tensor 'a' is an integer, expected an object");
  expect_refused(R"({"a":[]})", 0, "tensor 'a' is a list, expected an object");
  expect_refused("{\"a\xff\":{}}", 0, "UTF-8");
}

TEST(Safetensors, RefusesDeepNestingWithoutRecursion) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  expect_refused(R"({"a":{"dtype":"F32","shape":)" + deep + "}}", 0, "shape has a list in it");
  expect_refused(R"({"a":{"dtype":"F32","extra":)" + deep + "}}", 0, "nested deeper");
}

TEST(Safetensors, RefusesAKeyTwice) {
  const std::string entry = R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  expect_refused("{" + entry + "," + entry + "}", 4, "'a' stands twice");
  expect_refused(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4, "'dtype' stands twice");
}

TEST(Safetensors, RefusesEntriesOfTheWrongForm) {
  expect_refused(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", 4, "'a' has no dtype");
  expect_refused(R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4, "'a' has no shape");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1]}})", 4, "data_offsets is missing");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4, "has not two numbers");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", 4, "more than two");
  expect_refused(R"({"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}})", 4, "'F31' is unknown");
  expect_refused(R"({"a":{"dtype":"float32","shape":[1],"data_offsets":[0,4]}})", 4, "'float32' is unknown");
  expect_refused(R"({"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}})", 4, "dtype is an integer");
  expect_refused(R"({"a":{"dtype":["F32"],"shape":[1],"data_offsets":[0,4]}})", 4, "dtype is a list");
  expect_refused(R"({"a":{"dtype":"F32","shape":"16x8","data_offsets":[0,4]}})", 4, "shape is a string");
  expect_refused(R"({"a":{"dtype":"F32","shape":{"0":1},"data_offsets":[0,4]}})", 4, "shape is an object");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4, "expected integers");
  expect_refused(R"({"a":{"dtype":"F32","shape":[null],"data_offsets":[0,4]}})", 4, "expected integers");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 4, "data_offsets has -4");
  expect_refused(R"({"__metadata__":{"format":7}})", 0, "'format' is an integer, expected a string");
  expect_refused(R"({"__metadata__":{"format":{}}})", 0, "'format' is an object, expected a string");
  expect_refused(R"({"__metadata__":"pt"})", 0, "__metadata__ is a string");
}

TEST(Safetensors, PassesOverFieldsItDoesNotKnow) {
  EXPECT_THAT(
      names(parse(R"({"a":{"x":{"shape":[9]},"dtype":"F32","y":[[1],{}],"shape":[1],"z":null,"data_offsets":[0,4]}})",
                  4)),
      ElementsAre("a"));
}

TEST(Safetensors, RefusesSizesThatCannotBe) {
  expect_refused(R"({"a":{"dtype":"F32","shape":[-16,8],"data_offsets":[0,512]}})", 512, "shape has -16");
  expect_refused(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,4]}})", 4,
                 "too large");
  expect_refused(R"({"a":{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,4]}})", 4, "too large");
  expect_refused(R"({"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}})", 4,
                 "9223372036854775808");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,4]}})", 4, "out of range");
  expect_refused(R"({"a":{"dtype":"F32","shape":[16,7],"data_offsets":[0,512]}})", 512, "[16, 7] takes 448");
  std::string ones = "1";
  for (int i = 0; i < 64; ++i) ones += ",1";
  expect_refused(R"({"a":{"dtype":"F32","shape":[)" + ones + R"(],"data_offsets":[0,4]}})", 4,
                 "more than 64 dimensions");
}

TEST(Safetensors, RefusesOffsetsThatCannotBe) {
  const auto two = [](const std::string& a, const std::string& b) {
    return R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)" + a +
           R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":)" + b + "}}";
  };
  EXPECT_EQ(parse(two("[0,8]", "[8,16]"), 16).tensors.size(), 2U);
  expect_refused(two("[0,8]", "[4,12]"), 12, "'a' and 'b' overlap at byte 4");
  expect_refused(two("[0,8]", "[0,8]"), 8, "overlap");
  expect_refused(two("[0,8]", "[12,20]"), 20, "bytes 8 to 12 of the data belong to no tensor (before 'b')");
  expect_refused(two("[4,12]", "[12,20]"), 20, "bytes 0 to 4");
  expect_refused(two("[0,8]", "[16,8]"), 16, "reversed");
  expect_refused(two("[0,8]", "[8,16]"), 17, "1 bytes behind the last tensor");
  expect_refused(two("[0,8]", "[9223372036854775808,9223372036854775816]"), 16, "9223372036854775816");
  expect_refused(two("[0,8]", "[18446744073709551608,18446744073709551616]"), 16, "expected integers");
}

TEST(Safetensors, RefusesNamesWithControlCharacters) {
  expect_refused("{\"a\\u0000b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, R"('a\x00b')");
  expect_refused("{\"a\\u001b[2J\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, R"('a\x1b[2J')");
  expect_refused(R"({"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4, "empty");
}

TEST(SafetensorsHeaderText, ReadsBackWhatWasWritten) {
  StoredTensor a;
  a.name = "w\"\xc3\xa4";
  a.dtype = DType::kF16;
  a.shape = {2, 3};
  StoredTensor b;
  b.name = "s";
  b.begin = 12;
  const std::string text = safetensors_header_text({a, b});
  EXPECT_EQ(text.size() % 8, 0U);
  const SafetensorsHeader header = parse_safetensors_header(text + std::string(16, 'x'), text.size() + 16, "m");
  EXPECT_THAT(names(header), ElementsAre(a.name, "s"));
  EXPECT_THAT(header.tensors[0].shape, ElementsAre(2, 3));
  EXPECT_THAT(header.tensors[1].shape, IsEmpty());
  EXPECT_EQ(header.tensors[1].begin, text.size() + 12);
  EXPECT_THAT(header.metadata, ElementsAre(Pair("format", "pt")));
}

}  // namespace
}  // namespace cambium::checkpoint
