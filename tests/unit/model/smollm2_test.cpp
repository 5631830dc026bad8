// A real model against transformers: SmolLM2-135M-Instruct as `cambium convert` makes it from its GGUF file. Skipped
// where CAMBIUM_TEST_MODELS/smollm2 is not there; the slow suite makes it.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "model/engine/engine_setup.h"
#include "text/tokenizer.h"

namespace cambium::model {
namespace {

using Ids = std::vector<std::int32_t>;

const std::filesystem::path kGolden = CAMBIUM_SOURCE_DIR "/tests/golden/smollm2";

std::string read_text(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

class SmolLm2 : public testing::Test {
 protected:
  void SetUp() override {
    const char* models = std::getenv("CAMBIUM_TEST_MODELS");
    if (models == nullptr || !std::filesystem::is_directory(std::filesystem::path(models) / "smollm2")) {
      GTEST_SKIP() << "no model folder CAMBIUM_TEST_MODELS/smollm2";
    }
    setup.model = (std::filesystem::path(models) / "smollm2").string();
    setup.dtype = "float32";
    golden = nlohmann::json::parse(read_text(kGolden / "golden.json"));
  }
  EngineSetup setup;
  nlohmann::json golden;
};

TEST_F(SmolLm2, WritesTransformersGreedyTextHoweverThePromptsAreBatched) {
  RunningModel model(setup);
  const text::Tokenizer tokenizer = text::Tokenizer::from_folder(setup.model);
  std::vector<GenerateRequest> requests;
  for (const nlohmann::json& one : golden.at("prompts")) {
    GenerateRequest request;
    request.prompt.ids = tokenizer.ids(one.at("prompt").get<std::string>());
    EXPECT_EQ(request.prompt.ids, one.at("ids").get<Ids>());
    request.max_new_tokens = 64;
    request.stop_ids = model.stop_ids();
    requests.push_back(request);
  }
  ASSERT_EQ(requests.size(), 10U);
  const std::vector<Generation> together = model.engine().generate(requests);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const nlohmann::json& expected = golden.at("prompts")[i];
    EXPECT_EQ(together[i].ids, expected.at("new").get<Ids>()) << expected.at("prompt");
    EXPECT_EQ(tokenizer.decode(together[i].ids, true), expected.at("text").get<std::string>());
  }
  model.engine().forget();
  for (const std::size_t i : {3U, 8U}) {
    EXPECT_EQ(model.engine().generate({&requests[i], 1})[0].log_probabilities, together[i].log_probabilities);
  }
}

TEST_F(SmolLm2, HasTransformersPerplexity) {
  RunningModel model(setup);
  const text::Tokenizer tokenizer = text::Tokenizer::from_folder(setup.model);
  Ids ids = tokenizer.ids(read_text(kGolden / "text.txt"));
  ASSERT_EQ(ids.size(), golden.at("text").at("tokens").get<std::size_t>());
  ScoreRequest request;
  request.context.ids = {ids.front()};
  request.continuations = {Ids(ids.begin() + 1, ids.end())};
  const double log_likelihood = model.engine().score({&request, 1})[0][0].log_likelihood;
  const double perplexity = std::exp(-log_likelihood / static_cast<double>(ids.size() - 1));
  const double expected = golden.at("text").at("perplexity").get<double>();
  EXPECT_NEAR(perplexity, expected, 1e-4 * expected);
}

}  // namespace
}  // namespace cambium::model
