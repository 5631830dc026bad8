#include "study/portable_text.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace cambium::study {
namespace {

TEST(PortableText, SaysNothingOfTheMachine) {
  const char* home = std::getenv("HOME");
  const std::string before = home == nullptr ? "" : home;
  ::setenv("HOME", "/home/someone", 1);
  const PortableText portable("/home/someone/runs/quick", "/srv/project/studies/quick.yml");
  EXPECT_EQ(portable("cambium eval /home/someone/runs/quick/models/a --data_root=/srv/project/studies/data"),
            "cambium eval ./models/a --data_root=HERE/data");
  EXPECT_EQ(portable("cambium eval /home/someone/.cache/x '/data/large models/m'"),
            "cambium eval HOME/.cache/x 'PATH_TO/large models/m'");
  EXPECT_EQ(portable("world-s1/tasks and 1 / 2, lost / won"), "world-s1/tasks and 1 / 2, lost / won");
  EXPECT_EQ(portable("/home/someone/runs/quick2/x"), "HOME/runs/quick2/x");
  ::setenv("HOME", before.c_str(), 1);
}

TEST(TypedPath, IsWhatAUserWouldType) {
  EXPECT_EQ(typed_path("out/quick"), "out/quick");
  EXPECT_EQ(typed_path("/somewhere/else/studies/quick.yml"), "studies/quick.yml");
  EXPECT_EQ(typed_path("/somewhere/else/2411"), "2411");
}

}  // namespace
}  // namespace cambium::study
