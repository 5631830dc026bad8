#include "eval/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <cmath>
#include <csignal>

#include "eval/store/schema.h"
#include "eval/store/store_reader.h"
#include "eval/store/tuning_store.h"
#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::eval {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;
using testing::ThrowsMessage;

const NewRun kRun{.identity = "run-1",
                  .name = "base",
                  .model_fingerprint = "m1",
                  .model_label = "models/base",
                  .model_facts = "{}",
                  .options = R"({"num_fewshot": 0})",
                  .version = "0.1.0"};
const NewTask kTask{.fingerprint = "t1",
                    .name = "facts",
                    .version = "1.0",
                    .output_type = "multiple_choice",
                    .config = "{}",
                    .num_fewshot = 0,
                    .samples = 2};

FinishedSample sample(std::size_t document, double accuracy) {
  FinishedSample one{.document = document,
                     .content = R"({"question": "?"})",
                     .target = "1",
                     .requests = {},
                     .answers = {},
                     .scores = {}};
  one.requests.push_back({.kind = "loglikelihood",
                          .prompt = "Q:",
                          .continuation = " a",
                          .generation = {},
                          .media = {},
                          .repeats = 1,
                          .key = "k-a"});
  one.requests.push_back({.kind = "loglikelihood",
                          .prompt = "Q:",
                          .continuation = " b",
                          .generation = {},
                          .media = {},
                          .repeats = 1,
                          .key = "k-b"});
  one.answers.emplace_back("none", "[[-1.5, false], [-0.5, true]]");
  one.scores.push_back({.filter = "none", .metric = "acc", .value = accuracy, .content = accuracy > 0 ? "1.0" : "0.0"});
  return one;
}

// Writes a run of two samples.
std::int64_t write_run(Store& store, const NewRun& new_run = kRun) {
  const std::int64_t run = store.begin_run(new_run);
  const std::int64_t task = store.begin_task(run, 0, kTask);
  store.add_response(run, "k-a", 0, {.log_likelihood = -1.5, .greedy = false, .text = {}, .tokens = 1}, false);
  store.add_response(run, "k-b", 0, {.log_likelihood = -0.5, .greedy = true, .text = {}, .tokens = 2}, false);
  const std::array samples{sample(4, 1), sample(2, 0)};
  const std::array metrics{StoredMetric{.name = "facts",
                                        .is_group = false,
                                        .metric = "acc",
                                        .filter = "none",
                                        .value = 0.5,
                                        .standard_error = 0.5,
                                        .count = 2,
                                        .higher_is_better = true}};
  store.finish_task(run, task, samples, metrics, 1.0);
  store.finish_run(run, {}, 2.0);
  return run;
}

// Files of this process may not grow beyond a size while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = SIG_DFL;
};

TEST(Store, GivesBackARunWithItsSamplesSortedByDocument) {
  const testing_support::TempFolder folder;
  const auto file = folder.path() / "runs.db";
  {
    Store store(file);
    write_run(store);
  }
  const StoreReader reader(file);
  const StoredRun run = reader.find("base");
  EXPECT_EQ(run.model, "models/base");
  EXPECT_FALSE(run.finished.empty());
  ASSERT_THAT(reader.tasks(run.id), SizeIs(1));
  EXPECT_EQ(reader.tasks(run.id)[0].state, "done");
  const std::vector<StoredSample> samples = reader.samples(run.id, "facts");
  ASSERT_THAT(samples, SizeIs(2));
  EXPECT_EQ(samples[0].document, 2U);
  EXPECT_EQ(samples[0].score("acc"), 0.0);
  EXPECT_EQ(samples[1].score("acc", "none"), 1.0);
  EXPECT_EQ(samples[1].score("acc", "other"), std::nullopt);
  ASSERT_THAT(samples[1].requests, SizeIs(2));
  EXPECT_EQ(samples[1].requests[1].prompt, "Q:");
  EXPECT_EQ(samples[1].requests[1].continuation, " b");
  ASSERT_THAT(samples[1].requests[1].responses, SizeIs(1));
  EXPECT_EQ(samples[1].requests[1].responses[0].log_likelihood, -0.5);
  EXPECT_TRUE(samples[1].requests[1].responses[0].greedy);
  EXPECT_THAT(samples[1].answers, ElementsAre(Pair("none", "[[-1.5, false], [-0.5, true]]")));
  const std::vector<StoredMetric> metrics = reader.metrics(run.id, "facts");
  ASSERT_THAT(metrics, SizeIs(1));
  EXPECT_EQ(metrics[0].value, 0.5);
}

TEST(Store, GoesOnWithTheRunOfTheSameIdentityAndKeepsWhatWasAnswered) {
  const testing_support::TempFolder folder;
  const auto file = folder.path() / "runs.db";
  std::int64_t first = 0;
  {
    Store store(file);
    first = store.begin_run(kRun);
    store.add_response(first, "k-a", 0, {.log_likelihood = -1.5, .greedy = false, .text = {}, .tokens = 1}, false);
    store.add_response(first, "k-g", 1, {.log_likelihood = 0, .greedy = false, .text = "forty-two", .tokens = 3}, true);
    store.flush();
  }
  Store store(file);
  EXPECT_EQ(store.begin_run(kRun), first);
  const std::array<std::string, 3> keys{"k-a", "k-b", "k-g"};
  const auto found = store.responses(first, keys);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found.at({"k-a", 0}).log_likelihood, -1.5);
  EXPECT_EQ(found.at({"k-g", 1}).text, "forty-two");
  // Another model's answers are its own.
  NewRun other = kRun;
  other.identity = "run-2";
  other.model_fingerprint = "m2";
  EXPECT_THAT(store.responses(store.begin_run(other), keys), SizeIs(0));
}

TEST(Store, KeepsRunsOfOneModelUnderTheirOwnNamesAndLabels) {
  const testing_support::TempFolder folder;
  const auto file = folder.path() / "runs.db";
  NewRun copy = kRun;
  copy.identity = "run-2";
  copy.name = "again";
  copy.model_label = "models/copy-of-base";
  {
    Store store(file);
    write_run(store);
    const std::int64_t second = store.begin_run(copy);
    const std::array<std::string, 1> keys{"k-a"};
    EXPECT_THAT(store.responses(second, keys), SizeIs(1)) << "the same content answers the same";
    store.begin_run(kRun);  // once more: found, not renamed
  }
  const StoreReader reader(file);
  ASSERT_THAT(reader.runs(), SizeIs(2));
  EXPECT_EQ(reader.find("base").model, "models/base");
  EXPECT_EQ(reader.find("again").model, "models/copy-of-base");
}

TEST(Store, KnowsWhatStandsInTheGroupsOfARun) {
  const testing_support::TempFolder folder;
  const auto file = folder.path() / "runs.db";
  Store store(file);
  const std::int64_t run = store.begin_run(kRun);
  store.put_groups(run, {{"all", {"facts", "sums"}}, {"sums", {"plus", "minus"}}});
  store.put_groups(run, {{"all", {"facts", "sums"}}, {"sums", {"plus", "minus"}}});
  const StoredGroups groups = StoreReader(file).groups(run);
  ASSERT_THAT(groups, SizeIs(2));
  EXPECT_THAT(groups.at("sums"), ElementsAre("plus", "minus"));
}

// What version 1 had: no model_label, no group_member.
void make_version_1(const std::filesystem::path& file) {
  {
    Store store(file);
    write_run(store);
  }
  Database database(file, Database::Mode::kReadWrite);
  database.execute(
      "DROP TABLE tuning_metric; DROP TABLE tuning; DROP TABLE group_member; ALTER TABLE run DROP COLUMN model_label; "
      "PRAGMA user_version = 1",
      "testing");
}

TEST(Store, ReadsAStoreOfVersion1AndBringsItUpWhenItWrites) {
  const testing_support::TempFolder folder;
  const auto file = folder.path() / "runs.db";
  make_version_1(file);
  {
    const StoreReader reader(file);
    EXPECT_EQ(reader.find("base").model, "models/base");
    EXPECT_THAT(reader.groups(1), SizeIs(0));
    EXPECT_THAT(reader.samples(1, "facts"), SizeIs(2));
  }
  { Store store(file); }
  EXPECT_EQ(StoreReader(file).find("base").model, "models/base");
  Database database(file, Database::Mode::kReadOnly);
  Statement version = database.prepare("PRAGMA user_version", "testing");
  ASSERT_TRUE(version.step());
  EXPECT_EQ(version.integer(0), kSchemaVersion);
}

TEST(Store, KeepsNotANumberApartFromZero) {
  const testing_support::TempFolder folder;
  const auto file = folder.path() / "runs.db";
  Store store(file);
  const std::int64_t run = store.begin_run(kRun);
  store.add_response(run, "k-a", 0, {.log_likelihood = std::nan(""), .greedy = false, .text = {}, .tokens = 1}, false);
  store.flush();
  const std::array<std::string, 1> keys{"k-a"};
  EXPECT_TRUE(std::isnan(store.responses(run, keys).at({"k-a", 0}).log_likelihood));
}

TEST(Store, RefusesAStoreOfANewerVersionAndLeavesItAsItIs) {
  const testing_support::TempFolder folder;
  const auto file = folder.path() / "runs.db";
  { Store store(file); }
  {
    Database database(file, Database::Mode::kReadWrite);
    database.execute("PRAGMA user_version = 99", "testing");
  }
  EXPECT_THAT([&] { Store{file}; }, ThrowsMessage<SystemError>(AllOf(HasSubstr("runs.db"), HasSubstr("version 99"))));
  EXPECT_THAT([&] { StoreReader{file}; }, ThrowsMessage<SystemError>(HasSubstr("version 99")));
  Database database(file, Database::Mode::kReadOnly);
  Statement statement = database.prepare("PRAGMA user_version", "testing");
  ASSERT_TRUE(statement.step());
  EXPECT_EQ(statement.integer(0), 99);
}

TEST(Store, RefusesFilesThatAreNoStore) {
  const testing_support::TempFolder folder;
  const auto text = folder.write("notes.db", "this is no database, but it is long enough to be looked at as one");
  EXPECT_THAT([&] { Store{text}; }, ThrowsMessage<SystemError>(HasSubstr("no SQLite file")));
  const auto other = folder.path() / "other.db";
  {
    Database database(other, Database::Mode::kReadWrite);
    database.execute("CREATE TABLE cake (id INTEGER)", "testing");
  }
  EXPECT_THAT([&] { Store{other}; }, ThrowsMessage<SystemError>(HasSubstr("no store of evaluations")));
  EXPECT_THAT([&] { StoreReader{folder.path() / "missing.db"}; }, ThrowsMessage<SystemError>(HasSubstr("missing.db")));
}

TEST(Store, SaysThatTheDiskIsFullAndKeepsFinishedTasks) {
  const testing_support::TempFolder folder;
  const auto file = folder.path() / "runs.db";
  Store store(file);
  const std::int64_t run = write_run(store);
  const FileSizeLimit full(64 << 10);  // writing beyond it fails as on a full disk
  store.add_response(run, "k-long", 0,
                     {.log_likelihood = 0, .greedy = false, .text = std::string(1 << 20, 'x'), .tokens = 1}, true);
  EXPECT_THAT([&] { store.flush(); },
              ThrowsMessage<SystemError>(AllOf(HasSubstr("runs.db"), HasSubstr("disk is full"))));
  const StoreReader reader(file);
  EXPECT_THAT(reader.samples(run, "facts"), SizeIs(2));
}

TEST(StoreReader, NamesTheRunsThereAreWhenOneIsUnknown) {
  const testing_support::TempFolder folder;
  const auto file = folder.path() / "runs.db";
  Store store(file);
  const std::int64_t first = write_run(store);
  NewRun second = kRun;
  second.identity = "run-2";
  write_run(store, second);
  const StoreReader reader(file);
  EXPECT_EQ(reader.find("1").id, first);
  EXPECT_NE(reader.find("base").id, first) << "the latest of that name";
  EXPECT_THAT([&] { static_cast<void>(reader.find("grafted")); },
              ThrowsMessage<UsageError>(AllOf(HasSubstr("grafted"), HasSubstr("1 ('base')"))));
}

// Step, value of a name of a tuning run.
std::vector<std::pair<std::int64_t, double>> numbers(const std::filesystem::path& file, const char* name) {
  Database database(file, Database::Mode::kReadOnly);
  Statement select = database.prepare("SELECT step, value FROM tuning_metric WHERE name = ? ORDER BY step", "testing");
  select.bind(0, name);
  std::vector<std::pair<std::int64_t, double>> found;
  while (select.step()) found.emplace_back(select.integer(0), select.real(1));
  return found;
}

TEST(TuningStore, AResumedRunKeepsItsNumbersUpToTheCheckpointAndAnAnewBegunOneNone) {
  const testing_support::TempFolder folder;
  const auto file = folder.path() / "runs.db";
  const NewTuning run{
      .name = "a", .output = "/a", .model = "base", .config = "c", .config_hash = "h", .seed = 7, .version = "0.1.0"};
  {
    TuningStore store(file, run, -1);
    for (int step = 1; step <= 4; ++step) store.add(step, "train/loss", 10.0 - step);
    store.add(4, "train/gradient_norm", std::nan(""));
    store.flush();
  }
  EXPECT_THAT(numbers(file, "train/loss"), ElementsAre(Pair(1, 9.0), Pair(2, 8.0), Pair(3, 7.0), Pair(4, 6.0)));
  {
    TuningStore store(file, run, 2);
    store.add(3, "train/loss", 5.0);
    store.finish("done", 1.5);
  }
  EXPECT_THAT(numbers(file, "train/loss"), ElementsAre(Pair(1, 9.0), Pair(2, 8.0), Pair(3, 5.0)));
  EXPECT_THAT(numbers(file, "train/gradient_norm"), ElementsAre());
  TuningStore(file, run, -1).flush();
  EXPECT_THAT(numbers(file, "train/loss"), ElementsAre());
}

TEST(TuningStore, LivesInTheFileOfEvaluations) {
  const testing_support::TempFolder folder;
  const auto file = folder.path() / "runs.db";
  {
    Store store(file);
    write_run(store);
  }
  TuningStore(file,
              {.name = "a", .output = "/a", .model = "m", .config = "c", .config_hash = "h", .seed = 0, .version = "1"},
              -1)
      .add(1, "train/loss", 1.0);
  EXPECT_THAT(StoreReader(file).runs(), SizeIs(1));
}

}  // namespace
}  // namespace cambium::eval
