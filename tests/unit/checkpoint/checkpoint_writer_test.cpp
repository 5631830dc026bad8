#include "checkpoint/checkpoint_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/journal.h"
#include "checkpoint/model_folder.h"
#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_support::file_content;
using testing_support::TempFolder;
using Start = CheckpointWriter::Start;
namespace fs = std::filesystem;

TensorInfo info(const std::string& name, DType dtype, Shape shape) { return {name, dtype, std::move(shape)}; }

std::vector<TensorInfo> three_tensors() {
  return {info("b", DType::kBF16, {3}), info("a", DType::kF32, {2}), info("c", DType::kBF16, {5})};
}

void fill(CheckpointWriter& writer, std::size_t tensor, char value) {
  const std::string bytes(writer.layout().tensors[tensor].bytes(), value);
  writer.write(tensor, 0, std::as_bytes(std::span(bytes)));
}

std::vector<std::string> entries(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

TEST(PlanOutput, AlignsEachTensorToItsElements) {
  const OutputLayout layout = plan_output(three_tensors());
  EXPECT_THAT(layout.shard_files, ElementsAre("model.safetensors"));
  const std::size_t start = layout.shard_headers[0].size();
  EXPECT_EQ(start % 8, 0U);
  EXPECT_EQ(layout.places[1].begin, start);      // a, of 4-byte elements, comes first
  EXPECT_EQ(layout.places[0].begin, start + 8);  // then b and c as given
  EXPECT_EQ(layout.places[2].begin, start + 14);
  EXPECT_EQ(layout.total_bytes, 24U);
  EXPECT_EQ(layout.shard_file_bytes[0], start + 24);
}

TEST(PlanOutput, ClosesAShardBeforeItGrowsTooLarge) {
  const OutputLayout layout =
      plan_output({info("a", DType::kF32, {4}), info("b", DType::kF32, {100}), info("c", DType::kF32, {4}),
                   info("d", DType::kF32, {4}), info("e", DType::kF32, {1})},
                  32);
  std::vector<std::size_t> shards;
  for (const OutputPlace& place : layout.places) shards.push_back(place.shard);
  EXPECT_THAT(shards, ElementsAre(0, 1, 2, 2, 3));
  EXPECT_EQ(layout.shard_files[3], "model-00004-of-00004.safetensors");
}

TEST(CheckpointWriter, WritesAFolderThatReadsBack) {
  const TempFolder temp;
  const fs::path out = temp / "deep/er/out";
  CheckpointWriter writer(out.string() + "/", plan_output(three_tensors(), 10), Start::kFresh);
  EXPECT_FALSE(fs::exists(out));
  EXPECT_EQ(writer.working_folder(), temp / "deep/er/.out.partial");
  for (std::size_t i = 0; i < 3; ++i) fill(writer, i, static_cast<char>('0' + i));
  const std::string piece = "xy";
  writer.write(2, 4, std::as_bytes(std::span(piece)));
  writer.write_file("config.json", R"({"model_type":"llama"})");
  writer.write_file("additional_chat_templates/rag.jinja", "hello");
  writer.copy_file(writer.working_folder() / "config.json", "generation_config.json");
  EXPECT_FALSE(fs::exists(out));
  writer.finish();
  EXPECT_THAT(entries(temp / "deep/er"), ElementsAre("out"));
  const ModelFolder model(out);
  EXPECT_EQ(model.shards().size(), 3U);
  const auto c = model.mapped("c");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(c.data()), c.size()), "2222xy2222");
  EXPECT_EQ(file_content(out / "generation_config.json"), R"({"model_type":"llama"})");
  EXPECT_EQ(file_content(out / "additional_chat_templates/rag.jinja"), "hello");
  const Json index = read_json(out / "model.safetensors.index.json");
  EXPECT_EQ(index["metadata"]["total_size"], 24);
  EXPECT_EQ(
      index["weight_map"].dump(),
      R"({"a":"model-00002-of-00003.safetensors","b":"model-00001-of-00003.safetensors","c":"model-00003-of-00003.safetensors"})");
}

TEST(CheckpointWriter, RefusesAFolderThatIsNotEmpty) {
  const TempFolder temp;
  temp.write("out/x", "1");
  EXPECT_THAT([&] { CheckpointWriter(temp / "out", plan_output(three_tensors()), Start::kFresh); },
              ThrowsMessage<SystemError>(HasSubstr("exists already")));
  EXPECT_THAT(entries(temp.path()), ElementsAre("out"));
  fs::remove(temp / "out/x");
  CheckpointWriter writer(temp / "out", plan_output(three_tensors()), Start::kFresh);
  writer.finish();
  EXPECT_THAT(entries(temp / "out"), ElementsAre("model.safetensors"));
}

TEST(CheckpointWriter, RefusesAnUnfinishedFolderUnlessResumed) {
  const TempFolder temp;
  const OutputLayout layout = plan_output(three_tensors());
  {
    CheckpointWriter writer(temp / "out", layout, Start::kFresh);
    fill(writer, 0, 'b');
  }
  EXPECT_THAT([&] { CheckpointWriter(temp / "out", layout, Start::kFresh); },
              ThrowsMessage<SystemError>(AllOf(HasSubstr(".out.partial"), HasSubstr("--resume"))));
  CheckpointWriter writer(temp / "out", layout, Start::kResume);
  fill(writer, 1, 'a');
  fill(writer, 2, 'c');
  writer.finish();
  const std::string content = file_content(temp / "out/model.safetensors");
  EXPECT_EQ(content.substr(content.size() - 24), "aaaaaaaabbbbbbcccccccccc");
}

TEST(CheckpointWriter, ResumingAfterAKillWhileTheFilesWereMadeCompletesThem) {
  const TempFolder temp;
  const OutputLayout layout = plan_output(three_tensors(), 10);
  { const CheckpointWriter writer(temp / "out", layout, Start::kFresh); }
  const fs::path working = temp / ".out.partial";
  fs::remove(working / layout.shard_files[2]);  // not made yet
  fs::resize_file(working / layout.shard_files[1], 0);             // made, but empty
  const std::string half = layout.shard_headers[0].substr(0, 20);  // its header half written
  temp.write(".out.partial/" + layout.shard_files[0], half + std::string(layout.shard_file_bytes[0] - 20, '\0'));
  CheckpointWriter writer(temp / "out", layout, Start::kResume);
  for (std::size_t i = 0; i < 3; ++i) fill(writer, i, 'x');
  writer.write_file("config.json", "{}");
  writer.finish();
  EXPECT_EQ(ModelFolder(temp / "out").tensors().size(), 3U);
}

TEST(CheckpointWriter, RefusesToResumeAnotherOutput) {
  const TempFolder temp;
  { const CheckpointWriter writer(temp / "out", plan_output(three_tensors()), Start::kFresh); }
  std::vector<TensorInfo> renamed = three_tensors();
  renamed[2].name = "d";
  EXPECT_THAT([&] { CheckpointWriter(temp / "out", plan_output(renamed), Start::kResume); },
              ThrowsMessage<CheckpointError>(AllOf(HasSubstr("model.safetensors"), HasSubstr("other tensors"))));
  std::vector<TensorInfo> larger = three_tensors();
  larger[2].shape = {500};
  EXPECT_THROW(CheckpointWriter(temp / "out", plan_output(larger), Start::kResume), CheckpointError);
  EXPECT_TRUE(fs::exists(temp / ".out.partial/model.safetensors"));
}

TEST(CheckpointWriter, SeveralProcessesFillOneFolder) {
  const TempFolder temp;
  const OutputLayout layout = plan_output(three_tensors(), 14);
  CheckpointWriter first(temp / "out", layout, Start::kShare);
  fill(first, 0, 'b');
  CheckpointWriter second(temp / "out", layout, Start::kShare);  // must not wipe what the first wrote
  fill(second, 1, 'a');
  fill(second, 2, 'c');
  second.sync();
  first.sync();
  second.write_file("config.json", "{}");
  second.finish();
  const ModelFolder model(temp / "out");
  EXPECT_EQ(model.mapped("b")[0], std::byte{'b'});
  EXPECT_EQ(model.mapped("a")[0], std::byte{'a'});
  EXPECT_EQ(model.mapped("c")[9], std::byte{'c'});
}

TEST(CheckpointWriter, DiscardLeavesNothing) {
  const TempFolder temp;
  CheckpointWriter writer(temp / "new/out", plan_output(three_tensors()), Start::kFresh);
  writer.discard();
  EXPECT_FALSE(fs::exists(temp / "new"));
}

TEST(CheckpointWriter, ADiskTooSmallIsToldBeforeAnythingIsMade) {
  const TempFolder temp;
  const std::int64_t huge = std::int64_t{1} << 55;
  EXPECT_THAT([&] { CheckpointWriter(temp / "new/out", plan_output({info("a", DType::kF32, {huge})}), Start::kFresh); },
              ThrowsMessage<SystemError>(AllOf(HasSubstr(std::to_string(huge * 4) + " bytes"), HasSubstr("are free"))));
  EXPECT_FALSE(fs::exists(temp / "new"));
}

TEST(CheckpointWriter, AnUnwritablePlaceIsNamed) {
  EXPECT_THAT([] { CheckpointWriter("/proc/none/out", plan_output(three_tensors()), Start::kFresh); },
              ThrowsMessage<SystemError>(HasSubstr("/proc")));
}

TEST(CheckpointWriter, FinishTakesTheJournalsAway) {
  const TempFolder temp;
  CheckpointWriter writer(temp / "out", plan_output(three_tensors()), Start::kFresh);
  { const Journal journal(writer.working_folder() / Journal::file_name(2, 3), hash_text("plan")); }
  EXPECT_TRUE(fs::exists(temp / ".out.partial/.journal-00002-of-00003"));
  writer.finish();
  EXPECT_THAT(entries(temp / "out"), ElementsAre("model.safetensors"));
}

TEST(WriteFileAtomically, ReplacesAFileAndLeavesNothingBeside) {
  const TempFolder temp;
  temp.write("a.json", "old and longer");
  write_file_atomically(temp / "a.json", "new");
  EXPECT_EQ(file_content(temp / "a.json"), "new");
  EXPECT_THAT(entries(temp.path()), ElementsAre("a.json"));
  EXPECT_THROW(write_file_atomically(temp / "none/a.json", "x"), SystemError);
}

}  // namespace
}  // namespace cambium::checkpoint
