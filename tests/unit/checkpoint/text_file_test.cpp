#include "checkpoint/text_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/json_reading.h"
#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

TEST(TextFile, IsReadWhole) {
  const testing_support::TempFolder folder;
  EXPECT_EQ(read_text(folder.write("a.yml", "Größe: 1\n")), "Größe: 1\n");
}

TEST(TextFile, RefusesWhatIsNoTextOfReasonableSize) {
  const testing_support::TempFolder folder;
  EXPECT_THAT([&] { (void)read_text(folder.write("latin.yml", "caf\xe9")); },
              ThrowsMessage<CheckpointError>(AllOf(HasSubstr("latin.yml"), HasSubstr("UTF-8"))));
  EXPECT_THAT([&] { (void)read_text(folder.write("long.yml", "12345"), 4); },
              ThrowsMessage<SystemError>(AllOf(HasSubstr("long.yml"), HasSubstr("5 bytes"), HasSubstr("at most 4"))));
  EXPECT_THROW((void)read_text(folder.path()), SystemError);
  EXPECT_THROW((void)read_text("/dev/zero"), SystemError);
}

TEST(JsonReading, NamesTheFileInsteadOfTheLibrary) {
  const Json json = parse_json(R"({"seconds": "many"})", "state.json");
  EXPECT_THAT(
      [&] { reading_json("state.json", [&] { return json.value("seconds", 0.0); }); },
      ThrowsMessage<CheckpointError>(AllOf(HasSubstr("state.json: malformed: "), Not(HasSubstr("json.exception")))));
  EXPECT_EQ(reading_json("state.json", [&] { return json.value("other", 2); }), 2);
}

}  // namespace
}  // namespace cambium::checkpoint
