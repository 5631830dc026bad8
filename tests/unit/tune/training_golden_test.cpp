// Five AdamW steps against transformers and torch: tests/golden/training/copy_goldens.py.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "checkpoint/json.h"
#include "model/tensor_file.h"
#include "support/temp_folder.h"
#include "tune/tuned_model.h"

namespace cambium::tune {
namespace {

using testing_support::TempFolder;

std::string golden(const std::string& name) { return CAMBIUM_SOURCE_DIR "/tests/golden/training/" + name; }

// The padded rows of a batch behind each other, padding left out.
MicroBatch packed(const model::TensorMap& tensors, std::int64_t image_token) {
  MicroBatch batch;
  std::vector<at::Tensor> ids;
  std::vector<std::int64_t> labelled, targets;
  std::int64_t row = 0;
  const at::Tensor& all = tensors.at("input_ids");
  const at::Tensor& mask = tensors.at("attention_mask");
  const at::Tensor& labels = tensors.at("labels");
  for (std::int64_t i = 0; i < all.size(0); ++i) {
    const auto length = mask[i].sum().item<std::int64_t>();
    ids.push_back(all[i].narrow(0, 0, length));
    batch.rows.lengths.push_back(length);
    for (std::int64_t t = 0; t + 1 < length; ++t) {
      const auto target = labels[i][t + 1].item<std::int64_t>();
      if (target == -100) continue;
      labelled.push_back(row + t);
      targets.push_back(target);
    }
    row += length;
  }
  batch.rows.ids = at::cat(ids);
  batch.labelled = at::tensor(at::ArrayRef<std::int64_t>(labelled));
  batch.targets = at::tensor(at::ArrayRef<std::int64_t>(targets));
  if (const auto pixels = tensors.find("pixel_values"); pixels != tensors.end()) {
    batch.media.push_back(
        {model::Modality::kImage, pixels->second, batch.rows.ids.eq(image_token).nonzero().squeeze(1)});
  }
  return batch;
}

TunedModelOptions golden_options() {
  TunedModelOptions options;
  options.dtype = at::kFloat;
  options.rule = [](const family::TensorRole& role) {
    return ParameterRule{.trained = role.part != family::Part::kVisionTower, .rate_factor = 1, .weight_decay = 0.1};
  };
  return options;
}

struct Difference {
  double mean = 0, largest = 0;
};

Difference difference(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor apart = a.to(at::kDouble).sub(b.to(at::kDouble)).abs();
  return {apart.mean().item<double>(), apart.max().item<double>()};
}

void run_golden(TunedModel& model, const std::string& name, bool two_micro_batches = false) {
  const checkpoint::Json numbers = checkpoint::read_json(golden(name) + "/golden.json");
  const MicroBatch batch = packed(model::read_tensor_file(golden(name) + "/batch.safetensors"),
                                  model.media().empty() ? -1 : model.media().front().vision.image_token);
  for (std::size_t step = 0; step < numbers["loss"].size(); ++step) {
    const std::int64_t labels = batch.targets.numel();
    double loss = 0;
    model.begin_step(two_micro_batches ? 2 * labels : labels);
    for (int i = 0; i < (two_micro_batches ? 2 : 1); ++i) loss += model.accumulate(batch);
    if (step == 0 && model.lora() == nullptr) {
      for (const auto& [tensor, norm] : numbers["step1_grad_norm_by_tensor"].items()) {
        const family::TensorRole* found = nullptr;
        for (const family::TensorRole& role : model.description().tensors) {
          if (tensor == role.name || tensor == role.canonical || tensor.ends_with("." + role.canonical)) found = &role;
        }
        ASSERT_NE(found, nullptr) << tensor;
        const double own = model.parameters().find(found->name)->gradient.norm().item<double>();
        EXPECT_NEAR(own, norm.get<double>(), 1e-4 * norm.get<double>()) << tensor;
      }
    }
    const double expected = numbers["loss"][step].get<double>(), norm = numbers["grad_norm"][step].get<double>();
    EXPECT_NEAR(loss, expected, 1e-4 * expected) << "step " << step;
    EXPECT_NEAR(model.finish_step(1e-3).gradient_norm, norm, 1e-4 * norm) << "step " << step;
  }
  const double after = numbers["loss_after"].get<double>();
  EXPECT_NEAR(model.evaluate(batch), after, 1e-4 * after);
}

void expect_weights(TunedModel& model, const std::string& file) {
  std::size_t compared = 0;
  for (const auto& [tensor, value] : model::read_tensor_file(file)) {
    for (const family::TensorRole& role : model.description().tensors) {
      if (tensor != role.name && tensor != role.canonical && !tensor.ends_with("." + role.canonical)) continue;
      const Difference apart = difference(model.value(role), value);
      EXPECT_LT(apart.mean, 1e-6) << tensor;
      EXPECT_LT(apart.largest, 1e-3) << tensor;
      ++compared;
    }
  }
  EXPECT_EQ(compared, model::read_tensor_file(file).size());
}

TEST(TrainingGolden, FullTuningOfLlamaFollowsTransformers) {
  TunedModel model(model::open_model(golden("llama")), golden_options());
  run_golden(model, "llama_full");
  expect_weights(model, golden("llama_full/final.safetensors"));
}

TEST(TrainingGolden, RecomputedActivationsChangeNothing) {
  TunedModelOptions options = golden_options();
  options.recompute = true;
  TunedModel model(model::open_model(golden("llama")), options);
  run_golden(model, "llama_full");
}

TEST(TrainingGolden, TwoMicroBatchesOfTheSameRowsAreTheSameStep) {
  TunedModel model(model::open_model(golden("llama")), golden_options());
  run_golden(model, "llama_full", true);
}

TEST(TrainingGolden, ProjectorAndLanguageModelOfLlavaFollowTransformers) {
  TunedModel model(model::open_model(golden("llava_15")), golden_options());
  run_golden(model, "llava_15_tune");
  expect_weights(model, golden("llava_15_tune/final.safetensors"));
}

TEST(TrainingGolden, LoraFollowsPeftAndMergesBack) {
  TunedModelOptions options = golden_options();
  options.lora = LoraOptions{.rank = 4, .targets = {}, .init = golden("llama_lora/init")};
  TunedModel model(model::open_model(golden("llama")), options);
  run_golden(model, "llama_lora");
  const TempFolder folder;
  model.lora()->save(folder.path() / "adapter", "llama");
  const model::TensorMap saved = model::read_tensor_file(folder.path() / "adapter/adapter_model.safetensors");
  const model::TensorMap expected = model::read_tensor_file(golden("llama_lora/final/adapter_model.safetensors"));
  ASSERT_EQ(saved.size(), expected.size());
  for (const auto& [name, value] : expected) EXPECT_LT(difference(saved.at(name), value).largest, 1e-5) << name;
  expect_weights(model, golden("llama_lora/merged.safetensors"));
}

TEST(TrainingGolden, SavedFolderHoldsTheTrainedWeights) {
  TunedModel model(model::open_model(golden("llama")), golden_options());
  run_golden(model, "llama_full");
  const TempFolder folder;
  model.save(folder.path() / "out", {});
  const model::LoadedModel loaded = model::load_model(model::open_model((folder.path() / "out").string()), at::kFloat);
  const family::TensorRole* role = model.description().find_canonical("layers.1.mlp.down_proj.weight");
  EXPECT_EQ(difference(loaded.weights.layers[1].down.weight, model.value(*role)).largest, 0.0);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "out/tokenizer.json"));
}

}  // namespace
}  // namespace cambium::tune
