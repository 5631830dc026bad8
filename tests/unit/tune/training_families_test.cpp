// Every decoder family: the training step's loss and gradients against autograd through the plain decoder.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones_like.h>
#include <gtest/gtest.h>

#include <map>

#include "model/decoder.h"
#include "tune/tuned_model.h"

namespace cambium::tune {
namespace {

const char* const kFamilies[] = {"gemma2",        "gemma3_text",   "gpt2_scaled",  "gpt_neox_parallel",
                                 "llama_biases",  "llama_dynamic", "llama_llama3", "mistral_open",
                                 "phi3_longrope", "qwen2_sliding", "qwen3"};

at::Tensor some_ids(std::int64_t length, std::int64_t seed, std::int64_t vocab) {
  return (at::arange(length, at::kLong) * 7919 + seed * 31).remainder(vocab);
}

MicroBatch two_sequences(std::int64_t vocab) {
  MicroBatch batch;
  const at::Tensor first = some_ids(21, 1, vocab), second = some_ids(13, 2, vocab);
  batch.rows.ids = at::cat({first, second});
  batch.rows.lengths = {21, 13};
  batch.labelled = at::cat({at::arange(5, 20, at::kLong), at::arange(21, 33, at::kLong)});
  batch.targets = batch.rows.ids.index_select(0, batch.labelled + 1);
  return batch;
}

class TrainingFamilies : public testing::TestWithParam<const char*> {};

TEST_P(TrainingFamilies, PackedStepHasTheGradientsOfThePlainDecoder) {
  const std::string folder = std::string(CAMBIUM_SOURCE_DIR "/tests/golden/models/") + GetParam();
  TunedModelOptions options;
  options.dtype = at::kFloat;
  TunedModel tuned(model::open_model(folder), options);
  const MicroBatch batch = two_sequences(tuned.config().vocab_size);
  tuned.begin_step(batch.targets.numel());
  const double loss = tuned.accumulate(batch);

  std::map<std::string, at::Tensor> leaves;
  const model::DecoderWeights weights =
      model::assemble_decoder(tuned.description(), tuned.config(), folder, [&](const family::TensorRole& role) {
        at::Tensor& leaf = leaves[role.name];
        if (!leaf.defined()) {
          leaf = tuned.parameters().find(role.name)->value.detach().clone();
          leaf.set_requires_grad(true);
        }
        return leaf;
      });
  const model::Decoder plain(tuned.config(), weights);
  at::Tensor sum;
  std::int64_t row = 0;
  for (const std::int64_t length : batch.rows.lengths) {
    const at::Tensor ids = batch.rows.ids.narrow(0, row, length).unsqueeze(0);
    const at::Tensor hidden =
        plain.forward_embeddings(plain.embed(ids), model::AttentionLayout::from_mask(at::ones_like(ids)));
    const at::Tensor likely = at::log_softmax(plain.logits(hidden).squeeze(0), -1);
    for (std::int64_t i = 0; i < batch.labelled.numel(); ++i) {
      const auto place = batch.labelled[i].item<std::int64_t>() - row;
      if (place < 0 || place >= length) continue;
      const at::Tensor term = likely[place][batch.targets[i].item<std::int64_t>()] * -1.0;
      sum = sum.defined() ? sum + term : term;
    }
    row += length;
  }
  const at::Tensor reference = sum / static_cast<double>(batch.targets.numel());
  reference.backward();
  EXPECT_NEAR(loss, reference.item<double>(), 1e-5 * reference.item<double>());
  double largest = 0;
  for (const auto& [name, leaf] : leaves) largest = std::max(largest, leaf.grad().norm().item<double>());
  for (const auto& [name, leaf] : leaves) {
    const Parameter* own = tuned.parameters().find(name);
    EXPECT_LT(own->gradient.sub(leaf.grad()).norm().item<double>(), 1e-5 * largest) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, TrainingFamilies, testing::ValuesIn(kFamilies),
                         [](const auto& given) { return std::string(given.param); });

}  // namespace
}  // namespace cambium::tune
