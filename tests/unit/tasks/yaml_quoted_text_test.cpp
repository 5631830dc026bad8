#include "tasks/yaml_quoted_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_folder.h"
#include "tasks/yaml_value.h"
#include "tensor/error.h"

namespace cambium::tasks {
namespace {

using testing::HasSubstr;
using testing::Optional;
using testing::ThrowsMessage;

// The values on the right are PyYAML's.
TEST(QuotedText, FoldsLinesAndKeepsEveryBlankOne) {
  EXPECT_THAT(quoted_text("'one\n  two'", 0), Optional(std::string("one two")));
  EXPECT_THAT(quoted_text("'one\n\n\n  '", 0), Optional(std::string("one\n\n")));
  EXPECT_THAT(quoted_text("\"one  \n \n\n\n  two \"", 0), Optional(std::string("one\n\n\ntwo ")));
  EXPECT_THAT(quoted_text("'a\r\n\r\nb'", 0), Optional(std::string("a\nb")));
}

TEST(QuotedText, ReadsEscapesAsCodePoints) {
  EXPECT_THAT(quoted_text(R"("a\n\t\"\\\/")", 0), Optional(std::string("a\n\t\"\\/")));
  EXPECT_THAT(quoted_text(R"("\xE9\_\u2028\U0001F600")", 0), Optional(std::string("é\u00A0\u2028😀")));
  EXPECT_THAT(quoted_text("\"one\\\n   \\ two\"", 0), Optional(std::string("one two")));
  EXPECT_THAT(quoted_text("'it''s \\n'", 0), Optional(std::string("it's \\n")));
}

TEST(QuotedText, IsNothingWhereNoQuotedTextStands) {
  EXPECT_EQ(quoted_text("plain", 0), std::nullopt);
  EXPECT_EQ(quoted_text("'open", 0), std::nullopt);
  EXPECT_EQ(quoted_text("\"\\xZZ\"", 0), std::nullopt);
  EXPECT_EQ(quoted_text("", 3), std::nullopt);
}

TEST(ReadYaml, KeepsBlankLinesOfQuotedTextsBehindOtherKeys) {
  const testing_support::TempFolder folder;
  const auto file =
      folder.write("t.yaml", "größe: 'ä'\ndescription: 'Sort words.\n\n\n  '\nlist: [\"x\\_y\", 'a\n\n\n\n  b']\n");
  const YamlMapping mapping = read_yaml(file);
  EXPECT_EQ(mapping.value.as_dict().find("description")->as_string(), "Sort words.\n\n");
  EXPECT_EQ(mapping.value.as_dict().find("list")->items()[0].as_string(), "x\u00A0y");
  EXPECT_EQ(mapping.value.as_dict().find("list")->items()[1].as_string(), "a\n\n\nb");
}

TEST(ReadYaml, TakesAKeyTwiceOnlyWithOneValue) {
  const testing_support::TempFolder folder;
  EXPECT_EQ(read_yaml(folder.write("t.yaml", "n: 5\nn: 5\n")).value.as_dict().find("n")->as_int(), 5);
  const auto file = folder.write("u.yaml", "n: 5\nn: 6\n");
  EXPECT_THAT([&] { static_cast<void>(read_yaml(file)); }, ThrowsMessage<RecipeError>(HasSubstr("u.yaml:2")));
}

}  // namespace
}  // namespace cambium::tasks
