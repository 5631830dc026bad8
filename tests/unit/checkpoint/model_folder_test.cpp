#include "checkpoint/model_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "support/safetensors_text.h"
#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;
using testing_support::safetensors_text;
using testing_support::TempFolder;
namespace fs = std::filesystem;

std::string one_tensor(const std::string& name, char fill = '<') {
  std::string text = safetensors_text(R"({")" + name + R"(":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8);
  text.replace(text.size() - 8, 8, std::string(8, fill));
  return text;
}

std::string index_of(const std::string& map) { return R"({"metadata":{"total_size":16},"weight_map":)" + map + "}"; }

void expect_refused(const TempFolder& folder, const std::string& what) {
  EXPECT_THAT([&] { ModelFolder{folder.path()}; },
              ThrowsMessage<CheckpointError>(AllOf(HasSubstr(folder.path().string()), HasSubstr(what))));
}

std::vector<std::string> names(const ModelFolder& model) {
  std::vector<std::string> all;
  for (const TensorInfo& tensor : model.tensors()) all.push_back(tensor.name);
  return all;
}

TEST(ModelFolder, OpensShardsThroughTheIndex) {
  const TempFolder folder;
  folder.write("config.json", R"({"model_type":"llama"})");
  folder.write("model-00001-of-00002.safetensors", one_tensor("b"));
  folder.write("model-00002-of-00002.safetensors", one_tensor("a", 'z'));
  folder.write("consolidated.safetensors", one_tensor("a"));  // not in the index: another form of the same weights
  folder.write("model.safetensors.index.json",
               index_of(R"({"b":"model-00001-of-00002.safetensors","a":"model-00002-of-00002.safetensors"})"));
  for (const char* name : {"README.md", "generation_config.json", "tokenizer.model", ".gitattributes", "modeling_x.py",
                           "optimizer.pt", "additional_chat_templates/rag.jinja", "trainer_state.json", "merges.txt"}) {
    folder.write(name, "{}");
  }
  const ModelFolder model(folder.path());
  EXPECT_THAT(names(model), ElementsAre("a", "b"));
  EXPECT_EQ(model.config()["model_type"], "llama");
  EXPECT_EQ(model.total_bytes(), 16U);
  EXPECT_EQ(model.total_parameters(), 4U);
  EXPECT_EQ(model.place("a").shard, &model.shards()[1]);
  EXPECT_EQ(model.place("c").shard, nullptr);
  EXPECT_EQ(model.find("b")->shape, Shape{2});
  EXPECT_EQ(model.find("bb"), nullptr);
  EXPECT_EQ(model.mapped("a")[7], std::byte{'z'});
  EXPECT_THAT(model.mapped("c"), IsEmpty());
  EXPECT_THAT(model.companion_files(), ElementsAre("additional_chat_templates/rag.jinja", "generation_config.json",
                                                   "merges.txt", "modeling_x.py", "tokenizer.model"));
  EXPECT_EQ(model.label(), folder.path().string());
}

TEST(ModelFolder, ReadsFromManyThreads) {
  const TempFolder folder;
  folder.write("config.json", "{}");
  folder.write("model.safetensors", one_tensor("a", 'q'));
  const ModelFolder model(folder.path());
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        std::vector<std::byte> out(8);
        model.read("a", out);
        if (out[3] != std::byte{'q'}) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  std::vector<std::byte> out(8);
  EXPECT_THROW(model.read("none", out), CheckpointError);
}

TEST(ModelFolder, TakesAllSafetensorsWhereThereIsNeitherIndexNorModelFile) {
  const TempFolder folder;
  folder.write("consolidated.safetensors", one_tensor("a"));
  folder.write("extra.safetensors", one_tensor("b"));
  const ModelFolder model(folder.path(), {.require_config = false});
  EXPECT_THAT(names(model), ElementsAre("a", "b"));
  EXPECT_TRUE(model.config().is_object());
  for (const char* usual : {"adapter_model", "model"}) {
    folder.write(std::string(usual) + ".safetensors", one_tensor(usual));
    EXPECT_THAT(names(ModelFolder(folder.path(), {.require_config = false})), ElementsAre(usual));
  }
}

TEST(ModelFolder, FollowsLinksAsTheHubCacheHasThem) {
  const TempFolder folder;
  folder.write("blobs/123", one_tensor("a"));
  folder.write("blobs/456", "{}");
  fs::create_directories(folder / "snapshot");
  fs::create_symlink("../blobs/123", folder / "snapshot/model.safetensors");
  fs::create_symlink("../blobs/456", folder / "snapshot/config.json");
  EXPECT_THAT(names(ModelFolder(folder / "snapshot")), ElementsAre("a"));
}

TEST(ModelFolder, RefusesWhatIsNoModel) {
  const TempFolder folder;
  EXPECT_THAT([&] { ModelFolder{folder / "none"}; }, ThrowsMessage<CheckpointError>(HasSubstr("does not exist")));
  expect_refused(folder, "no config.json");
  folder.write("config.json", "[]");
  expect_refused(folder, "holds array, expected an object");
  folder.write("config.json", "{oops");
  expect_refused(folder, "config.json: line 1, column 2");
  folder.write("config.json", "{}");
  expect_refused(folder, "no weights");
  EXPECT_THAT(ModelFolder(folder.path(), {.require_weights = false}).tensors(), IsEmpty());
  EXPECT_THROW(ModelFolder(folder / "config.json"), CheckpointError);
}

TEST(ModelFolder, RefusesPicklesWithTheLineThatConvertsThem) {
  const TempFolder folder;
  folder.write("config.json", "{}");
  folder.write("training_args.bin", "");
  expect_refused(folder, "no weights");
  folder.write("pytorch_model-00001-of-00002.bin", "");
  expect_refused(folder, "python3 -c \"import glob, torch");
  expect_refused(folder, "/*.bin')]\"");
}

TEST(ModelFolder, PointsToConvertForGguf) {
  const TempFolder folder;
  folder.write("config.json", "{}");
  folder.write("m.gguf", "");
  expect_refused(folder, "cambium convert");
}

TEST(ModelFolder, RefusesATensorInTwoShards) {
  const TempFolder folder;
  folder.write("config.json", "{}");
  folder.write("x.safetensors", one_tensor("a"));
  folder.write("y.safetensors", one_tensor("a"));
  expect_refused(folder, "'a' is in two files, x.safetensors and y.safetensors");
}

TEST(ModelFolder, RefusesAnIncompleteSetOfNumberedShards) {
  const TempFolder folder;
  folder.write("config.json", "{}");
  folder.write("model-00001-of-00003.safetensors", one_tensor("a"));
  folder.write("model-00003-of-00003.safetensors", one_tensor("b"));
  expect_refused(folder, "model-00002-of-00003.safetensors is missing (2 of 3");
}

TEST(ModelFolder, RefusesHostileIndexes) {
  const TempFolder folder;
  folder.write("config.json", "{}");
  folder.write("model.safetensors", one_tensor("a"));
  folder.write("other.safetensors", one_tensor("b"));
  const auto refused = [&](const std::string& index, const std::string& what) {
    folder.write("model.safetensors.index.json", index);
    expect_refused(folder, what);
  };
  refused(index_of(R"({"a":"../ok/model.safetensors"})"), "outside the model's folder");
  refused(index_of(R"({"a":"x/../../model.safetensors"})"), "outside the model's folder");
  refused(index_of(R"({"a":")" + (folder / "model.safetensors").string() + R"("})"), "outside the model's folder");
  refused(index_of(R"({"a":"model.safetensors\u0000"})"), R"('model.safetensors\x00', which is not a file name)");
  refused(index_of(R"({"a":""})"), "not a file name");
  refused(index_of(R"({"a":"pytorch_model.bin"})"), "not a safetensors file");
  refused(index_of(R"({"a":"model-00001-of-00002.safetensors"})"), "which is missing");
  refused(index_of(R"({"a":"model.safetensors","zz":"model.safetensors"})"),
          "'zz' should be in model.safetensors, but that file");
  refused(index_of(R"({"a":"model.safetensors","b":"model.safetensors"})"), "'b' should be in model.safetensors, but");
  refused(index_of(R"({"a":"other.safetensors","b":"model.safetensors"})"),
          "'a' should be in other.safetensors, but it is in model");
  refused(index_of(R"({"a":7})"), "gives an integer for tensor 'a'");
  refused(index_of(R"({"a":{}})"), "gives an object for tensor 'a'");
  refused(index_of(R"({"a":["model.safetensors"]})"), "weight_map has a list");
  refused(index_of("[]"), "weight_map is a list");
  refused(index_of("7"), "weight_map is an integer");
  refused(index_of("{}"), "weight_map is empty");
  refused(R"({"metadata":{"weight_map":{"a":"model.safetensors"}}})", "no weight_map");
  refused("[]", "holds a list");
  refused("7", "holds an integer");
  refused("{oops", "not valid JSON");
  refused(std::string(100'000, '['), "holds a list");
  refused(R"({"metadata":)" + std::string(100'000, '['), "nested deeper");
  folder.write("model.safetensors.index.json", index_of(R"({"a":"model.safetensors"})"));
  EXPECT_THAT(names(ModelFolder(folder.path())), ElementsAre("a"));
}

class HubCache : public testing::Test {
 protected:
  HubCache() {
    for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"}) ::unsetenv(name);
    ::setenv("HF_HOME", folder_.path().c_str(), 1);
    folder_.write("hub/models--org--m/refs/main", "0123456789abcdef\n");
    folder_.write("hub/models--org--m/refs/pr/7", "fedcba9876543210");
    for (const char* hash : {"0123456789abcdef", "fedcba9876543210"}) {
      folder_.write(std::string("hub/models--org--m/snapshots/") + hash + "/config.json", "{}");
      folder_.write(std::string("hub/models--org--m/snapshots/") + hash + "/model.safetensors", one_tensor("a"));
    }
  }
  ~HubCache() override { ::unsetenv("HF_HOME"); }
  std::string snapshot(const char* hash) const { return (folder_ / "hub/models--org--m/snapshots" / hash).string(); }
  TempFolder folder_;
};

TEST_F(HubCache, ResolvesNamesOfflineByBranchAndHash) {
  EXPECT_EQ(resolve_model("org/m"), snapshot("0123456789abcdef"));
  EXPECT_EQ(resolve_model("org/m@main"), snapshot("0123456789abcdef"));
  EXPECT_EQ(resolve_model("org/m@pr/7"), snapshot("fedcba9876543210"));
  EXPECT_EQ(resolve_model("org/m@fedcba9"), snapshot("fedcba9876543210"));
  EXPECT_EQ(ModelFolder::open("org/m").label(), "org/m");
}

TEST_F(HubCache, PrefersAFolderOfThatName) { EXPECT_EQ(resolve_model(folder_.path().string()), folder_.path()); }

TEST_F(HubCache, TellsWhatItLookedFor) {
  EXPECT_THAT([] { return resolve_model("org/none"); },
              ThrowsMessage<CheckpointError>(AllOf(HasSubstr("models--org--none"), HasSubstr("HF_HOME"))));
  EXPECT_THAT(
      [] { return resolve_model("org/m@v2"); },
      ThrowsMessage<CheckpointError>(AllOf(HasSubstr("'v2'"), HasSubstr("0123456789abcdef, fedcba9876543210"))));
  EXPECT_THROW(static_cast<void>(resolve_model("org/m@../../x")), CheckpointError);
  EXPECT_THROW(static_cast<void>(resolve_model("../m")), CheckpointError);
  EXPECT_THROW(static_cast<void>(resolve_model("")), CheckpointError);
}

}  // namespace
}  // namespace cambium::checkpoint
