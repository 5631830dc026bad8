// Every family and rope type against what transformers computes (tests/golden/models/make_models.py).
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>

#include "model/decoder.h"
#include "unit/model/golden_model.h"

namespace cambium::model {
namespace {

constexpr double kTolerance = 5e-5;  // of logits up to 7

class GoldenModel : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Models, GoldenModel, testing::ValuesIn(golden_models()),
                         [](const auto& one) { return one.param; });

TEST_P(GoldenModel, HasTheLogitsOfAPaddedBatch) {
  const LoadedModel model = load_golden(GetParam());
  const TensorMap golden = golden_values(GetParam());
  const Decoder decoder(model.config, model.weights);
  const at::Tensor mask = golden.at("attention_mask");
  const at::Tensor hidden =
      decoder.forward_embeddings(decoder.embed(golden.at("input_ids")), AttentionLayout::from_mask(mask));
  const at::Tensor seen = mask.to(at::kFloat).unsqueeze(-1);
  EXPECT_LT(largest_difference(decoder.logits(hidden) * seen, golden.at("logits") * seen), kTolerance);
}

TEST_P(GoldenModel, HasTheHiddenStatesOfEveryLayer) {
  const LoadedModel model = load_golden(GetParam());
  const TensorMap golden = golden_values(GetParam());
  const Decoder decoder(model.config, model.weights);
  const at::Tensor ids = golden.at("input_ids").narrow(0, 0, 1);
  std::vector<at::Tensor> states;
  (void)decoder.forward_embeddings(decoder.embed(ids), AttentionLayout::from_mask(ids.ne(-1)), &states);
  EXPECT_LT(largest_difference(at::stack(states), golden.at("hidden_states")), kTolerance);
}

TEST_P(GoldenModel, HasTheSameLogitsFromTheNativeDecoder) {
  const LoadedModel model = load_golden(GetParam());
  const TensorMap golden = golden_values(GetParam());
  const auto engine = engine_of(model);
  const at::Tensor row = golden.at("input_ids")[0], expected = golden.at("logits")[0];
  at::Tensor logits = at::empty(expected.sizes(), expected.options());
  LogitRequest request;
  request.prompt.ids = ids_of(row);
  for (std::size_t i = 0; i < request.prompt.ids.size(); ++i) request.positions.push_back(i);
  const auto vocab = static_cast<std::size_t>(model.config.vocab_size);
  request.receive = [&](std::size_t index, std::span<const float> values) {
    std::copy(values.begin(), values.end(), logits.data_ptr<float>() + index * vocab);
  };
  engine->logits({&request, 1});
  EXPECT_LT(largest_difference(logits, expected), kTolerance);
}

TEST_P(GoldenModel, GeneratesTheSameTokensGreedily) {
  const LoadedModel model = load_golden(GetParam());
  const TensorMap golden = golden_values(GetParam());
  const auto engine = engine_of(model);
  GenerateRequest request;
  request.prompt.ids = ids_of(golden.at("input_ids")[0]);
  request.max_new_tokens = 12;
  EXPECT_EQ(engine->generate({&request, 1})[0].ids, ids_of(golden.at("generated_ids")[0]));
}

TEST(Decoder, RunsInHalfPrecisionWithinItsRounding) {
  for (const at::ScalarType dtype : {at::kBFloat16, at::kHalf}) {
    const LoadedModel model = load_golden("llama_biases", dtype);
    const TensorMap golden = golden_values("llama_biases");
    const Decoder decoder(model.config, model.weights);
    const at::Tensor ids = golden.at("input_ids").narrow(0, 0, 1);
    const at::Tensor hidden = decoder.forward_embeddings(decoder.embed(ids), AttentionLayout::from_mask(ids.ne(-1)));
    const double difference =
        largest_difference(decoder.logits(hidden).to(at::kFloat), golden.at("logits").narrow(0, 0, 1));
    EXPECT_LT(difference, dtype == at::kHalf ? 0.03 : 0.25);
    EXPECT_GT(difference, 1e-4);
  }
}

}  // namespace
}  // namespace cambium::model
