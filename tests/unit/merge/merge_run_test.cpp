#include "merge/merge_run.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/journal.h"
#include "support/model_on_disk.h"
#include "support/temp_folder.h"
#include "tensor/error.h"
#include "tensor/progress.h"

namespace cambium::merge {
namespace {

namespace fs = std::filesystem;
using checkpoint::CheckpointWriter;
using checkpoint::Journal;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_support::file_content;
using testing_support::ModelOnDisk;
using testing_support::TempFolder;

// Asks to stop once so many bytes have been read.
class StopAfter : public Progress {
 public:
  explicit StopAfter(std::uint64_t bytes) : left_(static_cast<std::int64_t>(bytes)) {}
  void begin(std::string_view, std::uint64_t, std::string_view) override {}
  void advance(std::uint64_t amount) override { left_ -= static_cast<std::int64_t>(amount); }
  [[nodiscard]] bool stop_requested() const override { return left_ <= 0; }

 private:
  std::atomic<std::int64_t> left_;
};

std::map<std::string, std::string> files_in(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder))
    files[entry.path().filename().string()] = file_content(entry.path());
  return files;
}

// Two models merged by ranks and random masks, into weight files of a few tensors each.
class MergeRun : public testing::Test {
 protected:
  MergeRun() {
    ModelOnDisk{}.write(folder_ / "base");
    ModelOnDisk{.level = 0.25F}.write(folder_ / "chat");
    fs::create_directory(folder_ / "out");
  }

  [[nodiscard]] Recipe recipe(std::string_view more = {}) const {
    return parse_recipe(fmt::format("merge_method: della\nbase_model: {0}/base\nparameters: {{density: 0.5}}\n"
                                    "models: [{{model: {0}/chat, parameters: {{weight: 1}}}}]\n{1}",
                                    folder_.path().string(), more),
                        "r.yml", {});
  }

  RunSummary run(const std::function<void(RunOptions&)>& change = {}, std::string_view more = {}) const {
    SourcePool pool;
    const Recipe parsed = recipe(more);
    std::vector<MergePlan> plans = plan_merge(parsed, pool, {});
    RunOptions options;
    options.out = out();
    options.threads = 1;
    options.shard_bytes = 1500;
    if (change) change(options);
    return run_merge(plans.at(0), parsed, options);
  }

  static void resume(RunOptions& options) { options.resume = true; }

  // The output's own folder: its name stands in the model card.
  [[nodiscard]] fs::path out() const { return folder_ / "out" / "merged"; }
  [[nodiscard]] fs::path partial() const { return CheckpointWriter::partial_folder(out()); }

  TempFolder folder_;
};

TEST_F(MergeRun, CutShortAtAnyStateOfItsJournalResumesToTheSameBytes) {
  run();
  const auto expected = files_in(out());
  fs::remove_all(out());

  StopAfter half(4000);
  EXPECT_THAT([&] { run([&](RunOptions& options) { options.progress = &half; }); },
              ThrowsMessage<Interrupted>(AllOf(HasSubstr("tensors"), HasSubstr("--resume"))));
  const fs::path stopped = folder_ / "stopped";
  fs::rename(partial(), stopped);
  const std::string journal = Journal::file_name(), lines = journal + ".jsonl";
  const std::size_t journal_bytes = fs::file_size(stopped / journal), line_bytes = fs::file_size(stopped / lines);
  ASSERT_GT(journal_bytes, 32U + 3 * 32);  // a header and some tensors

  // Nothing, a torn header, no tensor, whole and torn records; and lines that are behind or torn, too.
  for (const std::size_t kept : {std::size_t{0}, std::size_t{9}, std::size_t{32}, std::size_t{64}, std::size_t{65},
                                 journal_bytes - 1, journal_bytes}) {
    for (const std::size_t kept_lines : {std::size_t{0}, line_bytes / 2, line_bytes}) {
      SCOPED_TRACE(testing::Message() << kept << " of " << journal_bytes << " bytes of the journal, " << kept_lines
                                      << " of " << line_bytes << " of the lines");
      fs::copy(stopped, partial());
      fs::resize_file(partial() / journal, kept);
      fs::resize_file(partial() / lines, kept_lines);
      const RunSummary summary = run(resume);
      EXPECT_TRUE(summary.complete);
      if (kept <= 32 || kept_lines == 0) {
        EXPECT_EQ(summary.resumed, 0U);
      } else {
        EXPECT_GT(summary.resumed, 0U);
        EXPECT_LE(summary.resumed, (kept - 32) / 32);
      }
      EXPECT_EQ(files_in(out()), expected);
      EXPECT_FALSE(fs::exists(partial()));
      fs::remove_all(out());
    }
  }
}

TEST_F(MergeRun, CutShortWhileItsFilesAreMadeResumesToTheSameBytes) {
  run();
  const auto expected = files_in(out());
  fs::remove_all(out());
  StopAfter at_once(0);
  EXPECT_THROW(run([&](RunOptions& options) { options.progress = &at_once; }), Interrupted);
  // One weight file empty, one with half a header, one not there, no journal.
  std::vector<fs::path> shards;
  for (const auto& entry : fs::directory_iterator(partial())) {
    if (entry.path().extension() == ".safetensors") shards.push_back(entry.path());
  }
  ASSERT_GT(shards.size(), 3U);
  fs::resize_file(shards[0], 0);
  fs::resize_file(shards[1], 40);
  fs::remove(shards[2]);
  fs::remove(partial() / Journal::file_name());
  EXPECT_EQ(run(resume).resumed, 0U);
  EXPECT_EQ(files_in(out()), expected);
}

TEST_F(MergeRun, IsTakenUpOnlyWhenAskedAndOnlyForTheSameWork) {
  StopAfter half(4000);
  EXPECT_THROW(run([&](RunOptions& options) { options.progress = &half; }), Interrupted);
  EXPECT_THAT([&] { run(); }, ThrowsMessage<SystemError>(AllOf(HasSubstr(".partial"), HasSubstr("--resume"))));
  EXPECT_THAT([&] { run(resume, "seed: 1\n"); }, ThrowsMessage<CheckpointError>(HasSubstr("changed")));
  EXPECT_TRUE(run(resume).complete);
  EXPECT_TRUE(run(resume).was_complete);
  EXPECT_THAT([&] { run(); }, ThrowsMessage<SystemError>(HasSubstr("exists already")));
  EXPECT_THAT([&] { run(resume, "seed: 1\n"); }, ThrowsMessage<SystemError>(HasSubstr("not what this recipe gives")));
}

TEST_F(MergeRun, InSharesGivesTheBytesOfOneRunAndWaitsForAllOfThem) {
  run();
  const auto expected = files_in(out());
  fs::remove_all(out());
  const auto share = [](std::size_t part) {
    return [part](RunOptions& options) { options.share = RunShare{.part = part, .parts = 3}; };
  };
  const auto finish = [](RunOptions& options) { options.finish_shares = true; };
  EXPECT_FALSE(run(share(3)).complete);
  EXPECT_FALSE(run(share(1)).complete);
  EXPECT_THAT([&] { run(finish); }, ThrowsMessage<CheckpointError>(HasSubstr("2/3 (0 of ")));
  EXPECT_FALSE(fs::exists(out()));
  EXPECT_FALSE(run(share(2)).complete);
  EXPECT_TRUE(run(finish).complete);
  EXPECT_EQ(files_in(out()), expected);
}

}  // namespace
}  // namespace cambium::merge
