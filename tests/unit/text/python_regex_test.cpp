#include "text/python_regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensor/error.h"

namespace cambium::text {
namespace {

using testing::ElementsAre;

std::vector<std::string> found(std::string_view pattern, std::string_view text, PythonRegex::Flags flags = {}) {
  const PythonRegex regex(pattern, flags);
  std::vector<std::string> all;
  for (const auto& match : regex.find_all(text)) all.emplace_back(match.group(text, regex.group_count() > 0 ? 1 : 0));
  return all;
}

// Each expectation is what Python 3.11 gives.
TEST(PythonRegex, FindsWhatReFindallFinds) {
  EXPECT_THAT(found(R"(#### (\-?[0-9\.\,]+))", "x #### 1,234.5 y #### -7"), ElementsAre("1,234.5", "-7"));
  EXPECT_THAT(found(R"(\d+)", "a1b22"), ElementsAre("1", "22"));
  EXPECT_THAT(found(R"(x*)", "axxb"), ElementsAre("", "xx", "", ""));
  EXPECT_THAT(found(R"(a|b*)", "ba"), ElementsAre("b", "a", ""));
  EXPECT_THAT(found(R"(\w+)", "Ça va_1 日本"), ElementsAre("Ça", "va_1", "日本"));
  EXPECT_THAT(found(R"((?i)ANSWER: ([a-d]))", "answer: B, Answer: x"), ElementsAre("B"));
  EXPECT_THAT(found(R"([]a]+)", "a]b"), ElementsAre("a]"));
  EXPECT_THAT(found(R"([[:alpha:]]+)", "a:]"), ElementsAre(":]"));
  EXPECT_THAT(found(R"(\u00e9|\x41)", "éA"), ElementsAre("é", "A"));
  EXPECT_THAT(found(R"(a{,2}b)", "aaab"), ElementsAre("aab"));
  EXPECT_THAT(found(R"(end$)", "end\n"), ElementsAre("end"));
  EXPECT_THAT(found(R"(end\Z)", "end\n"), ElementsAre());
  EXPECT_THAT(found(R"(^.)", "a\nb", {.multi_line = true}), ElementsAre("a", "b"));
  EXPECT_THAT(found(R"(a.b)", "a\nb a\rb"), ElementsAre("a\rb"));
  EXPECT_THAT(found(R"((?P<x>a)(?P=x))", "aa"), ElementsAre("a"));
  EXPECT_THAT(found(R"((?<=-)\w+)", "x-yz"), ElementsAre("yz"));
  EXPECT_THAT(found(R"(\w)", "é", {.ascii = true}), ElementsAre());
}

TEST(PythonRegex, SubstitutesGroupsAndEscapes) {
  EXPECT_EQ(PythonRegex(R"((\w+), (\w+))").substitute("Hello, World", R"(\2 \1\n)"), "World Hello\n");
  EXPECT_EQ(PythonRegex("x*").substitute("abxd", "-"), "-a-b--d-");
  EXPECT_EQ(PythonRegex(R"((?P<n>a)|b)").substitute("ab", R"([\g<n>\g<0>])"), "[aa][b]");
  EXPECT_EQ(PythonRegex("a").substitute("aaa", "b", 2), "bba");
  EXPECT_EQ(PythonRegex("é").substitute("caféé", ""), "caf");
  EXPECT_EQ(PythonRegex("a").substitute("a", R"(\\\.)"), R"(\\.)");
}

TEST(PythonRegex, SplitsAsReSplit) {
  EXPECT_THAT(PythonRegex(R"(\s+)").split(" a  b "), ElementsAre("", "a", "b", ""));
  EXPECT_THAT(PythonRegex(R"((,))").split("a,b,c", 1), ElementsAre("a", ",", "b,c"));
  EXPECT_THAT(PythonRegex("").split("ab"), ElementsAre("", "a", "b", ""));
}

TEST(PythonRegex, SaysWhatIsWrongWithAPattern) {
  EXPECT_THROW(PythonRegex("(a"), ValueError);
  EXPECT_THROW(PythonRegex("[a"), ValueError);
  EXPECT_THROW(PythonRegex(R"(\h)"), ValueError);
  EXPECT_THROW(PythonRegex(R"(a\)"), ValueError);
  EXPECT_THROW(PythonRegex("(?L)a"), ValueError);
  EXPECT_THROW(static_cast<void>(PythonRegex("a").substitute("a", R"(\1)")), ValueError);
  EXPECT_THROW(static_cast<void>(PythonRegex("a").substitute("a", R"(\g<x>)")), ValueError);
}

TEST(PythonRegex, GivesUpOnAPatternThatWouldRunForever) {
  const std::string text(60, 'a');
  EXPECT_THROW(static_cast<void>(PythonRegex("(a|aa)+$").search(text + "c")), ValueError);
}

}  // namespace
}  // namespace cambium::text
