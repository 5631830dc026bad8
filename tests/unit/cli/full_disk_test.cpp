#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "support/model_on_disk.h"
#include "support/run_program.h"
#include "support/temp_folder.h"

namespace cambium::cli {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing_support::ModelOnDisk;
using testing_support::ProgramResult;
using testing_support::run_program;
using testing_support::TempFolder;

class FullDisk : public testing::Test {
 protected:
  FullDisk() {
    ModelOnDisk{.layers = 4, .rows = 512}.write(folder_ / "base");
    folder_.write("r.yml",
                  fmt::format("merge_method: linear\nmodels: [{{model: {}/base, parameters: {{weight: 1}}}}]\n",
                              folder_.path().string()));
    fs::create_directory(folder_ / "disk");
  }

  [[nodiscard]] std::string merge() const {
    return fmt::format("'{}' merge '{}/r.yml' -o '{}/disk/out'", CAMBIUM_BINARY, folder_.path().string(),
                       folder_.path().string());
  }

  // One message, and nothing under the final name or beside it.
  void expect_refused(const ProgramResult& result, std::string_view message) const {
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.err, AllOf(HasSubstr("out"), HasSubstr(std::string(message))));
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_TRUE(fs::is_empty(folder_ / "disk"));
  }

  TempFolder folder_;
};

TEST_F(FullDisk, AFileThatMayNotGrowIsRefusedBeforeTheWork) {
  // 32 blocks of 512 bytes; the signal is ignored, so that the write itself fails as on a full disk.
  expect_refused(run_program("ulimit -f 32; trap '' XFSZ; " + merge()), "no room");
}

TEST_F(FullDisk, ADiskTooSmallForTheOutputIsRefusedBeforeTheWorkAndOneThatFillsUpLeavesNothing) {
  const std::uint64_t weights = fs::file_size(folder_ / "base" / "model.safetensors");
  const auto on_disk_of = [&](std::uint64_t bytes) {
    const std::string disk = (folder_ / "disk").string();
    return run_program(
        fmt::format("unshare -m sh -c \"mount -t tmpfs -o size={} none '{}' || exit 77; {}; code=\\$?; "
                    "ls -A '{}'; exit \\$code\"",
                    bytes, disk, merge(), disk));
  };
  const ProgramResult small = on_disk_of(weights / 2);
  if (small.status == 77 || small.err.find("unshare") != std::string::npos) {
    GTEST_SKIP() << "mounting a disk of a size of its own takes more rights: " << small.err;
  }
  expect_refused(small, "are free there");
  EXPECT_EQ(small.out, "");
  // Room for the weights, none for what comes beside them.
  const ProgramResult filled = on_disk_of((weights + 4095) / 4096 * 4096 + 4096);
  expect_refused(filled, "No space left on device");
  EXPECT_EQ(filled.out, "");
}

}  // namespace
}  // namespace cambium::cli
