#include "checkpoint/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

void expect_refused(const std::string& text, const std::string& what) {
  EXPECT_THAT([&] { return parse_json(text, "config.json"); },
              ThrowsMessage<CheckpointError>(AllOf(HasSubstr("config.json: "), HasSubstr(what))))
      << text.substr(0, 100);
}

TEST(Json, KeepsTheOrderOfKeysAndTheKindsOfNumbers) {
  const std::string text = R"({"z":1,"a":[-2,3.5,true,null,"\u00e4"],"m":{"y":{},"b":18446744073709551615}})";
  const Json json = parse_json(text, "t");
  EXPECT_EQ(json.dump(), R"({"z":1,"a":[-2,3.5,true,null,"ä"],"m":{"y":{},"b":18446744073709551615}})");
  EXPECT_TRUE(json["a"][0].is_number_integer());
  EXPECT_TRUE(json["a"][1].is_number_float());
}

TEST(Json, TellsLineAndColumn) {
  expect_refused("{\n  \"a\": 1,\n  \"b\" 2}", "line 3, column 7");
  expect_refused("{oops", "line 1, column 2");
  expect_refused("", "empty");
  expect_refused("{\"a\": tru}", "line 1, column 10");
  expect_refused("{} {}", "line 1, column 4");
}

TEST(Json, RefusesTextThatIsNotUtf8) {
  expect_refused("{\"a\": \"\xff\"}", "UTF-8");
  expect_refused("{\"a\": \"\xc3\"}", "UTF-8");
  expect_refused("{\"a\": \"\xed\xa0\x80\"}", "UTF-8");
}

TEST(Json, RefusesAKeyTwiceUnlessAllowed) {
  expect_refused(R"({"a": 1, "b": {"c": 2, "c": 3}})", "'c' stands twice");
  EXPECT_EQ(parse_json(R"([{"a": 1}, {"a": 2}])", "t").size(), 2U);
  const Json twice = parse_json(R"({"a": 1, "a": 2})", "t", {.allow_duplicate_keys = true});
  EXPECT_EQ(twice.size(), 2U);
}

TEST(Json, RefusesDeepNestingBeforeTheStackIsUsedUp) {
  expect_refused(std::string(100'000, '[') + std::string(100'000, ']'), "nested deeper than the 128 levels");
  expect_refused(std::string(100'000, '['), "nested deeper");
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  expect_refused(objects, "nested deeper");
  EXPECT_EQ(parse_json(std::string(128, '[') + std::string(128, ']'), "t").size(), 1U);
}

TEST(Json, RefusesNumbersOutOfRange) { expect_refused(R"({"a": 1e999})", "out of range"); }

TEST(Json, CutsHostileTextInMessages) {
  try {
    static_cast<void>(parse_json("{\"a\": \"\x1b[2J" + std::string(100'000, 'x'), "t"));
    FAIL() << "accepted";
  } catch (const CheckpointError& error) {
    EXPECT_LT(std::string(error.what()).size(), 1000U);
    EXPECT_EQ(std::string(error.what()).find('\x1b'), std::string::npos);
  }
}

TEST(Json, ReadsAVocabularyInLinearTime) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += "\"token_" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  text.back() = '}';
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(parse_json(text, "t").size(), 200'000U);
  // A search of all keys for each takes over a minute.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(Json, NamesAMissingFile) {
  const testing_support::TempFolder folder;
  EXPECT_THAT([&] { return read_json(folder / "none.json"); }, ThrowsMessage<SystemError>(HasSubstr("none.json")));
  EXPECT_THROW(static_cast<void>(read_json(folder.path())), SystemError);
}

}  // namespace
}  // namespace cambium::checkpoint
