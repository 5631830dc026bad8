#include "cli/argument_checks.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cambium::cli {
namespace {

class ArgumentChecks : public testing::Test {
 protected:
  ArgumentChecks() {
    CLI::App* command = app_.add_subcommand("do");
    command->add_option("model", model_);
    command->add_option("--count", count_);
    command->add_option("--share", share_);
    command->add_option("--prompt", prompt_);
    command->add_option("--template", template_)->expected(0, 1);
    command->add_option("--size", size_)->transform(CLI::AsSizeValue(false));
    check_arguments(app_);
  }

  bool takes(std::vector<std::string> words) {
    words.insert(words.begin(), "do");
    std::reverse(words.begin(), words.end());
    try {
      app_.parse(words);
      return true;
    } catch (const CLI::ParseError&) {
      return false;
    }
  }

  CLI::App app_;
  std::string model_, prompt_, template_;
  std::size_t count_ = 0, size_ = 0;
  double share_ = 0;
};

TEST_F(ArgumentChecks, RefuseAnEmptyValueUnlessItIsAText) {
  EXPECT_FALSE(takes({""}));
  EXPECT_FALSE(takes({"m", "--count", ""}));
  EXPECT_FALSE(takes({"m", "--share", ""}));
  EXPECT_TRUE(takes({"m", "--prompt", ""}));
}

TEST_F(ArgumentChecks, RefuseCountsThatWouldWrapAround) {
  EXPECT_FALSE(takes({"m", "--count=-1"}));
  EXPECT_FALSE(takes({"m", "--count", "99999999999999999999"}));
  EXPECT_TRUE(takes({"m", "--count", "4294967296"}));
  EXPECT_EQ(count_, 4294967296U);
}

TEST_F(ArgumentChecks, RefuseNumbersThatAreNotFinite) {
  EXPECT_FALSE(takes({"m", "--share", "nan"}));
  EXPECT_FALSE(takes({"m", "--share=-inf"}));
  EXPECT_FALSE(takes({"m", "--share", "1e999"}));
  EXPECT_TRUE(takes({"m", "--share=-0.5"}));
  EXPECT_EQ(share_, -0.5);
}

TEST_F(ArgumentChecks, LeaveSizesAndValuesThatMayBeLeftOutAsTheyAre) {
  EXPECT_TRUE(takes({"m", "--size", "2kib", "--template"}));
  EXPECT_EQ(size_, 2048U);
  EXPECT_FALSE(takes({"m", "--size", "-2kib"}));
}

}  // namespace
}  // namespace cambium::cli
