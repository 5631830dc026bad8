#include "study/study_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::study {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

// A stand-in for cambium: `make OUT` makes a folder and counts in `log`, `fail` ends badly.
class StudyRunTest : public testing::Test {
 protected:
  StudyRunTest() {
    const fs::path program = folder_.path() / "program";
    std::ofstream(program)
        << "#!/bin/sh\necho \"$@\" >> log\ncase $1 in\n make) mkdir -p \"$2\"; echo made > \"$2/it\";;\n"
           " fail) [ -e repaired ] && mkdir -p \"$2\" && exit 0; echo 'no such luck' >&2; exit 3;;\nesac\n";
    fs::permissions(program, fs::perms::owner_all);
    options_ = {
        .program = program, .folder = folder_.path() / "out", .cache = {}, .only_step = {}, .only_kind = {}, .jobs = 2};
  }
  static Step step(const std::string& name, std::vector<std::string> command, std::vector<std::string> needs) {
    Step made{.name = name,
              .kind = "run",
              .command = std::move(command),
              .needs = std::move(needs),
              .files = {},
              .output = {},
              .cached = false,
              .inputs = {}};
    if (made.command.size() > 1) made.output = made.command[1];
    made.inputs = checkpoint::hash_text(name + made.command[0]);
    return made;
  }
  static StepGraph graph() {
    StepGraph made;
    made.steps = {step("a", {"make", "a"}, {}), step("b", {"fail", "b"}, {"a"}), step("c", {"make", "c"}, {"b"}),
                  step("d", {"make", "d"}, {"a"})};
    return made;
  }
  std::string log() const {
    std::ifstream in(options_.folder / "log");
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  testing_support::TempFolder folder_;
  StudyOptions options_;
  NoProgress progress_;
};

TEST_F(StudyRunTest, AFailingStepLeavesThoseThatDoNotNeedItGoing) {
  const StudyRun run = run_steps(graph(), options_, progress_);
  EXPECT_EQ(run.ran, 2U);
  EXPECT_EQ(run.failed, 1U);
  EXPECT_EQ(run.blocked, 1U);
  EXPECT_TRUE(fs::exists(options_.folder / "d/it"));
  EXPECT_FALSE(fs::exists(options_.folder / "c"));
  const StudyFolder folder(options_.folder);
  EXPECT_THAT(folder.record("b").message, HasSubstr("no such luck"));
  EXPECT_THAT(folder.record("c").message, HasSubstr("needs b"));
}

TEST_F(StudyRunTest, ASecondRunDoesOnlyWhatIsNotDone) {
  static_cast<void>(run_steps(graph(), options_, progress_));
  std::ofstream(options_.folder / "repaired") << "";
  fs::remove(options_.folder / "log");
  const StudyRun run = run_steps(graph(), options_, progress_);
  EXPECT_EQ(run.failed + run.blocked, 0U);
  EXPECT_EQ(log(), "fail b\nmake c\n");
}

TEST_F(StudyRunTest, ChangedInputsAreMadeAgainAndALostOutputToo) {
  StepGraph work = graph();
  work.steps.resize(1);
  static_cast<void>(run_steps(work, options_, progress_));
  EXPECT_EQ(StudyFolder(options_.folder).state(work.steps[0]), StepState::kDone);
  work.steps[0].inputs = checkpoint::hash_text("other");
  EXPECT_EQ(StudyFolder(options_.folder).state(work.steps[0]), StepState::kChanged);
  static_cast<void>(run_steps(work, options_, progress_));
  fs::remove_all(options_.folder / "a");
  EXPECT_EQ(StudyFolder(options_.folder).state(work.steps[0]), StepState::kMissing);
  static_cast<void>(run_steps(work, options_, progress_));
  EXPECT_EQ(log(), "make a\nmake a\nmake a\n");
}

TEST_F(StudyRunTest, AStepInTheCacheIsLinkedNotRun) {
  StepGraph work = graph();
  work.steps.resize(1);
  work.steps[0].cached = true;
  options_.cache = folder_.path() / "cache";
  static_cast<void>(run_steps(work, options_, progress_));
  options_.folder = folder_.path() / "second";
  const StudyRun run = run_steps(work, options_, progress_);
  EXPECT_EQ(run.ran, 0U);
  EXPECT_TRUE(fs::exists(options_.folder / "a/it"));
}

TEST_F(StudyRunTest, AStepByHandNeedsWhatItNeeds) {
  options_.only_step = "d";
  EXPECT_THAT([&] { static_cast<void>(run_steps(graph(), options_, progress_)); },
              ThrowsMessage<UsageError>(HasSubstr("not done: a")));
  options_.only_step = "a";
  EXPECT_EQ(run_steps(graph(), options_, progress_).ran, 1U);
  options_.only_step = "d";
  EXPECT_EQ(run_steps(graph(), options_, progress_).ran, 1U);
  options_.only_step = "x";
  EXPECT_THROW(static_cast<void>(run_steps(graph(), options_, progress_)), UsageError);
}

TEST_F(StudyRunTest, AFolderInUseIsRefused) {
  fs::create_directories(options_.folder);
  const FileLock held(options_.folder / ".lock", false, "it");
  EXPECT_THAT([&] { static_cast<void>(run_steps(graph(), options_, progress_)); },
              ThrowsMessage<UsageError>(HasSubstr("in use")));
}

TEST(ShellLine, QuotesWhatAShellWouldReadOtherwise) {
  EXPECT_EQ(shell_line({"eval", "a b", "it's", "--x=1"}), "eval 'a b' 'it'\\''s' --x=1");
}

}  // namespace
}  // namespace cambium::study
