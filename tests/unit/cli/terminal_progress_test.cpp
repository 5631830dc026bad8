#include "cli/terminal_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <sstream>
#include <thread>

namespace cambium::cli {
namespace {

TEST(ProgressLine, ShowsAmountRateAndTimeLeft) {
  constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
  EXPECT_EQ(progress_line("merge", 2 * kGiB, 8 * kGiB, "bytes", 4.0),
            "merge  2.0 GiB of 8.0 GiB (25 %)  512.0 MiB/s  12 s left");
  EXPECT_EQ(progress_line("eval", 30, 120, "samples", 60.0),
            "eval  30 samples of 120 samples (25 %)  0.5 samples/s  3 min 00 s left");
  EXPECT_EQ(progress_line("eval", 5, 0, "samples", 0.1), "eval  5 samples");
}

TEST(TerminalProgress, RewritesOneLineAndWipesIt) {
  std::ostringstream out;
  {
    TerminalProgress progress(&out);
    progress.begin("merge", 10, "steps");
    progress.advance(1);  // too soon for a line
    EXPECT_EQ(out.str(), "");
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    progress.advance(1);
    EXPECT_EQ(out.str(), "\rmerge  2 steps of 10 steps (20 %)");
    out.str("");
  }
  EXPECT_EQ(out.str(), "\r" + std::string(33, ' ') + "\r");
}

TEST(TerminalProgress, TheFirstInterruptAsksToStopTheSecondKills) {
  {
    TerminalProgress progress(nullptr);
    EXPECT_FALSE(progress.stop_requested());
    ::raise(SIGINT);
    EXPECT_TRUE(progress.stop_requested());
    EXPECT_EXIT(::raise(SIGINT), testing::KilledBySignal(SIGINT), "");
  }
  const TerminalProgress progress(nullptr);
  EXPECT_FALSE(progress.stop_requested());
  EXPECT_EXIT(
      {
        ::raise(SIGTERM);
        ::_exit(progress.stop_requested() ? 7 : 8);
      },
      testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace cambium::cli
