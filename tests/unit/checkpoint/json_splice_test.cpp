#include "checkpoint/json_splice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cambium::checkpoint {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(JsonParts, FindsMembersWhateverTheirValuesHold) {
  const std::string text = R"( { "a" : 1.5e3 ,"b\"{":"x]\"," , "c":[ {"a":2}, [], "}" ],"d":{"e":null}, "f":true} )";
  const auto parts = json_parts(text);
  std::vector<std::string> names;
  std::vector<std::string> values;
  for (const JsonPart& part : parts) {
    names.push_back(part.name());
    values.emplace_back(part.value);
  }
  EXPECT_THAT(names, ElementsAre("a", "b\"{", "c", "d", "f"));
  EXPECT_THAT(values, ElementsAre("1.5e3", R"("x]\",")", R"([ {"a":2}, [], "}" ])", R"({"e":null})", "true"));
  EXPECT_EQ(json_member(json_member(text, "d"), "e"), "null");
  EXPECT_EQ(json_member(text, "e"), "");
}

TEST(JsonParts, FindsElementsOfLists) {
  std::vector<std::string> values;
  for (const JsonPart& part : json_parts("[1,\n \"a b\" ,[2,3]]")) values.emplace_back(part.value);
  EXPECT_THAT(values, ElementsAre("1", "\"a b\"", "[2,3]"));
  EXPECT_THAT(json_parts("[ ]"), IsEmpty());
  EXPECT_THAT(json_parts("{}"), IsEmpty());
}

TEST(JsonReplaced, ChangesOnePlace) {
  const std::string text = R"({"a": [1, 2], "b": 3})";
  EXPECT_EQ(json_replaced(text, json_member(text, "a"), "[]"), R"({"a": [], "b": 3})");
}

}  // namespace
}  // namespace cambium::checkpoint
