#include "model/device_decoder.h"

#include <gtest/gtest.h>

#include <random>

#include "unit/model/golden_model.h"

namespace cambium::model {
namespace {

using Ids = std::vector<std::int32_t>;

Ids random_ids(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  Ids ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(static_cast<std::int32_t>(3 + random() % 58));
  return ids;
}

std::unique_ptr<Engine> device_engine(const LoadedModel& model, std::size_t max_blocks = 256) {
  return std::make_unique<Engine>(
      std::make_unique<DeviceDecoder>(model.config, on_device(model.weights, c10::Device(c10::kCPU)), max_blocks),
      EngineOptions{});
}

// What runs on a GPU is run on the CPU here and compared with the CPU's own kernels.
class DeviceDecoderOf : public testing::TestWithParam<std::string> {};

TEST_P(DeviceDecoderOf, GeneratesWhatTheNativeDecoderDoes) {
  const LoadedModel model = load_golden(GetParam());
  std::vector<GenerateRequest> requests;
  const Ids shared = random_ids(35, 1);
  for (unsigned i = 0; i < 5; ++i) {
    GenerateRequest request;
    request.prompt.ids = i < 3 ? shared : random_ids(2 + 9 * i, i);
    for (unsigned j = 0; j < i; ++j) request.prompt.ids.push_back(static_cast<std::int32_t>(5 + 7 * i + j));
    request.max_new_tokens = 12;
    requests.push_back(request);
  }
  const auto expected = engine_of(model)->generate(requests);
  const auto engine = device_engine(model);
  for (int round = 0; round < 2; ++round) {  // the second finds the first one's prefixes
    const auto found = engine->generate(requests);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      EXPECT_EQ(found[i].ids, expected[i].ids) << "request " << i;
      ASSERT_EQ(found[i].log_probabilities.size(), expected[i].log_probabilities.size());
      for (std::size_t t = 0; t < expected[i].ids.size(); ++t) {
        EXPECT_NEAR(found[i].log_probabilities[t], expected[i].log_probabilities[t], 2e-4);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, DeviceDecoderOf, testing::ValuesIn(golden_models()),
                         [](const auto& model) { return model.param; });

TEST(DeviceDecoder, SwitchesHeadsOffAndTakesRowsInPlaceOfEmbeddings) {
  const LoadedModel model = load_golden("gemma2");
  GenerateRequest plain;
  plain.prompt.ids = random_ids(20, 9);
  plain.max_new_tokens = 6;
  GenerateRequest masked = plain, given = plain;
  auto mask = std::make_shared<HeadMask>(2, 4);
  mask->switch_off(0, 1);
  mask->switch_off(1, 2);
  masked.prompt.heads_off = mask;
  auto rows = std::make_shared<std::vector<float>>();
  for (std::int64_t i = 0; i < 3 * model.config.hidden_size; ++i) rows->push_back(0.01F * static_cast<float>(i % 17));
  given.prompt.embeddings = {{4, 3, rows, 5}};
  const std::vector<GenerateRequest> requests{plain, masked, given};
  const auto expected = engine_of(model)->generate(requests);
  const auto found = device_engine(model)->generate(requests);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(found[i].ids, expected[i].ids);
    for (std::size_t t = 0; t < expected[i].ids.size(); ++t) {
      EXPECT_NEAR(found[i].log_probabilities[t], expected[i].log_probabilities[t], 2e-4);
    }
  }
  EXPECT_NE(found[0].log_probabilities, found[1].log_probabilities);
  EXPECT_NE(found[0].log_probabilities, found[2].log_probabilities);
}

}  // namespace
}  // namespace cambium::model
