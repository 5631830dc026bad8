#include "cli/terminal_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cambium::cli {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::StartsWith;

TEST(TerminalMessage, ShowsControlCharactersAndBrokenUtf8AsNumbers) {
  EXPECT_EQ(terminal_message("a\x1b[31m\tb\nc\xff '\x7f' \xc2\x9b Größe"),
            "a\\x1b[31m\tb\nc\\xff '\\x7f' \\xc2\\x9b Größe");
}

TEST(TerminalMessage, KeepsBothEndsOfALongOne) {
  const std::string cut = terminal_message("unknown '" + std::string(100'000, 'x') + "'; known: recover", 100);
  EXPECT_THAT(cut, AllOf(StartsWith("unknown 'xxx"), EndsWith("xxx'; known: recover")));
  EXPECT_LT(cut.size(), 110U);
  EXPECT_EQ(terminal_message("short", 5), "short");
}

}  // namespace
}  // namespace cambium::cli
