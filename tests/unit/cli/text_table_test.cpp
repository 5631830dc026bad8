#include "cli/text_table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace cambium::cli {
namespace {

TEST(TextTable, AlignsColumnsByCharacters) {
  TextTable table({{"name"}, {"size", TextTable::Align::kRight}, {"note"}});
  table.add_row({"Größe", "1", "x"});
  table.add_row({"a", "1000", ""});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(), "name   size  note\nGröße     1  x\na      1000\n");
}

TEST(HumanNumbers, KeepTheDigitsThatMatter) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "0.98 KiB");
  EXPECT_EQ(human_bytes(269'060'552), "256.6 MiB");
  EXPECT_EQ(human_bytes(UINT64_MAX), "16384.0 PiB");
  EXPECT_EQ(human_count(960), "960");
  EXPECT_EQ(human_count(125'881), "125.9 k");
  EXPECT_EQ(human_count(134'515'008), "134.5 M");
  EXPECT_EQ(human_count(7'062'902'784), "7.06 B");
  EXPECT_EQ(human_count(70'553'706'496), "70.6 B");
  EXPECT_EQ(human_seconds(41.6), "42 s");
  EXPECT_EQ(human_seconds(185), "3 min 05 s");
  EXPECT_EQ(human_seconds(7620), "2 h 07 min");
}

}  // namespace
}  // namespace cambium::cli
