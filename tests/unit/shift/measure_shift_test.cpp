#include "shift/measure_shift.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "shift/shift_records.h"
#include "shift/shift_rows.h"
#include "support/family_golden.h"
#include "support/memory_weights.h"
#include "tensor/error.h"

namespace cambium::shift {
namespace {

using checkpoint::Json;
using checkpoint::TensorInfo;
using family::ModelDescription;
using family::Role;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;
using testing::ThrowsMessage;
using testing_support::family_golden;
using testing_support::FamilyGolden;
using testing_support::MemoryWeights;

// Values of one tensor name are the same in every model that starts from the same seed.
std::vector<float> values_of(const std::string& name, std::size_t count, unsigned seed) {
  std::mt19937 random(static_cast<unsigned>(std::hash<std::string>{}(name)) + seed);
  std::normal_distribution<float> normal(0, 0.02F);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

struct Model {
  MemoryWeights weights;
  ModelDescription description;
  [[nodiscard]] ShiftSide side() const { return {&weights, &description}; }
  [[nodiscard]] family::AlignmentSide alignment_side() const { return {&description, nullptr, weights.label()}; }
};

// A golden's model with random values, named by canonical name so that models of one decoder get equal ones, plus
// `update`.
Model make(const std::string& golden_name, const std::string& label, float update, DType dtype = DType::kF32) {
  const FamilyGolden golden = family_golden(golden_name);
  Model model{MemoryWeights(label), family::describe(golden.config(), golden.tensors, label)};
  for (const family::TensorRole& tensor : model.description.tensors) {
    std::vector<float> values = values_of(tensor.canonical, numel(tensor.shape), 1);
    const std::vector<float> noise = values_of(tensor.canonical, values.size(), 2);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += update * noise[i];
    model.weights.add(tensor.name, tensor.shape, values, dtype);
  }
  return model;
}

ModelShift shift_of(const Model& base, const Model& model, const ShiftOptions& options = {}, unsigned threads = 1) {
  Workers workers(threads);
  NoProgress progress;
  return measure_shift(base.side(), model.side(), family::align(base.alignment_side(), model.alignment_side()), options,
                       workers, progress);
}

const TensorShift& tensor(const ModelShift& shift, const std::string& name) {
  return *std::ranges::find(shift.tensors, name, &TensorShift::tensor);
}

TEST(MeasureShift, ComparesTheLanguageTensorsOfAGraftWithItsBase) {
  const Model base = make("llama", "base", 0), model = make("llava_llama", "mllm", 0.1F);
  const ModelShift shift = shift_of(base, model);
  EXPECT_THAT(shift.tensors, SizeIs(21));
  double expected = 0;
  for (const float noise : values_of("layers.1.mlp.up_proj.weight", 48 * 32, 2)) expected += std::abs(0.1 * noise);
  const TensorShift& up = tensor(shift, "model.layers.1.mlp.up_proj.weight");
  EXPECT_NEAR(up.moments.mean_abs(), expected / (48 * 32), 1e-9);
  EXPECT_EQ(up.role, Role::kUp);
  EXPECT_EQ(up.layer, 1);
  EXPECT_GT(up.curve[4], 0.7);
  EXPECT_LT(up.curve[4], 0.95);
}

TEST(MeasureShift, GivesTheSameBitsForAnyNumberOfThreads) {
  const Model base = make("llama", "base", 0, DType::kBF16), model = make("llava_llama", "mllm", 0.1F, DType::kBF16);
  const std::string one =
      shift_json(std::vector{shift_of(base, model, {}, 1)}, std::vector{Level::kTensor, Level::kHead}).dump();
  for (const unsigned threads : {2U, 4U}) {
    EXPECT_EQ(
        shift_json(std::vector{shift_of(base, model, {}, threads)}, std::vector{Level::kTensor, Level::kHead}).dump(),
        one);
  }
}

// One big tensor, so that several blocks and threads take part.
Model big(const std::string& label, float update) {
  FamilyGolden golden = family_golden("llama_tied");
  Json config = golden.config();
  config["vocab_size"] = 40'000;
  for (TensorInfo& info : golden.tensors) {
    if (info.shape[0] == 64) info.shape[0] = 40'000;
  }
  Model model{MemoryWeights(label), family::describe(config, golden.tensors, label)};
  for (const TensorInfo& info : golden.tensors) {
    std::vector<float> values = values_of(info.name, numel(info.shape), 1);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += update * static_cast<float>(i % 17);
    model.weights.add(info.name, info.shape, values);
  }
  return model;
}

TEST(MeasureShift, AddsBlocksUpInOrder) {
  const Model base = big("base", 0), model = big("model", 1e-3F);
  const ModelShift one = shift_of(base, model, {}, 1), four = shift_of(base, model, {}, 4);
  const TensorShift& embedding = tensor(one, "model.embed_tokens.weight");
  EXPECT_EQ(embedding.moments.count, 1'280'000U);
  EXPECT_NEAR(embedding.moments.mean_abs(), 8e-3, 1e-6);
  EXPECT_EQ(embedding.moments.sum_abs, tensor(four, "model.embed_tokens.weight").moments.sum_abs);
  EXPECT_EQ(embedding.moments.products, tensor(four, "model.embed_tokens.weight").moments.products);
  EXPECT_EQ(embedding.curve, tensor(four, "model.embed_tokens.weight").curve);
}

TEST(MeasureShift, SplitsProjectionsByHead) {
  const Model base = make("llama", "base", 0);  // 4 heads of 8, 2 of keys and values, hidden 32
  Model model = make("llama", "model", 0);
  MemoryWeights moved("model");
  for (const TensorInfo& info : model.weights.tensors()) {
    std::vector<float> values = values_of(model.description.find(info.name)->canonical, numel(info.shape), 1);
    if (info.name == "model.layers.0.self_attn.q_proj.weight") values[2 * 8 * 32 + 5] += 1;  // row 16: head 2
    if (info.name == "model.layers.0.self_attn.v_proj.weight") values[15 * 32] += 1;         // row 15: head 1
    if (info.name == "model.layers.0.self_attn.o_proj.weight") values[3 * 32 + 31] += 1;     // column 31: head 3
    moved.add(info.name, info.shape, values);
  }
  model.weights = moved;
  const ModelShift shift = shift_of(base, model);
  const std::vector<ShiftRow> rows = shift_rows(shift, Level::kHead);
  const auto sum_abs = [&](std::string_view role, int head) {
    for (const ShiftRow& row : rows) {
      if (row.layer == 0 && row.role == role && row.head == head) return row.moments.sum_abs;
    }
    return -1.0;
  };
  EXPECT_NEAR(sum_abs("query", 2), 1, 1e-6);
  EXPECT_EQ(sum_abs("query", 1), 0);
  EXPECT_NEAR(sum_abs("value", 1), 1, 1e-6);
  EXPECT_EQ(sum_abs("value", 2), -1);  // there are two
  EXPECT_NEAR(sum_abs("attention_output", 3), 1, 1e-6);
  EXPECT_EQ(sum_abs("attention_output", 2), 0);
  // Query heads 2 and 3 read value head 1.
  EXPECT_NEAR(sum_abs("attention", 2), 2, 1e-6);
  EXPECT_NEAR(sum_abs("attention", 3), 2, 1e-6);
  EXPECT_EQ(sum_abs("attention", 0), 0);
  EXPECT_EQ(tensor(shift, "model.layers.0.self_attn.q_proj.weight").heads[2].moments.count, 8U * 32);
}

TEST(MeasureShift, FindsTheHeadsInsideFusedAndTransposedTensors) {
  for (const std::string name : {"phi3", "gpt2", "gpt_neox"}) {
    const Model base = make(name, "base", 0), model = make(name, "model", 0.1F);
    const ModelShift shift = shift_of(base, model);
    std::map<Role, std::uint64_t> counts;
    for (const TensorShift& each : shift.tensors) {
      Moments heads;
      for (const HeadShift& head : each.heads) {
        heads += head.moments;
        if (!each.bias) counts[head.slot.role] = head.moments.count;
      }
      if (!each.heads.empty()) {
        EXPECT_EQ(heads.count, each.moments.count);
      }
    }
    EXPECT_THAT(counts, testing::UnorderedElementsAre(testing::Pair(Role::kQuery, 256), testing::Pair(Role::kKey, 256),
                                                      testing::Pair(Role::kValue, 256),
                                                      testing::Pair(Role::kAttentionOutput, 256)))
        << name;
  }
}

TEST(MeasureShift, OfAFusedModelAgainstASingleOneIsThatOfTheSameTensors) {
  const Model llama = make("llama", "base", 0), moved = make("llama", "moved", 0.1F);
  Model phi3 = make("phi3", "phi3", 0);
  MemoryWeights fused("phi3");
  const auto of_moved = [&](const std::string& name) {
    std::vector<float> values = values_of(name, numel(moved.description.find_canonical(name)->shape), 1);
    const std::vector<float> noise = values_of(name, values.size(), 2);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += 0.1F * noise[i];
    return values;
  };
  for (const family::TensorRole& role : phi3.description.tensors) {
    std::vector<float> values;
    if (role.parts.empty()) values = of_moved(role.canonical);
    for (const family::FusedPart& part : role.parts)
      std::ranges::copy(of_moved(part.canonical), std::back_inserter(values));
    fused.add(role.name, role.shape, values);
  }
  phi3.weights = fused;
  const ModelShift plain = shift_of(llama, moved), other = shift_of(llama, phi3);
  ASSERT_EQ(plain.tensors.size(), other.tensors.size());
  for (std::size_t i = 0; i < plain.tensors.size(); ++i) {
    // Pieces are cut otherwise, so that the last bits may differ.
    EXPECT_DOUBLE_EQ(plain.tensors[i].moments.sum_abs, other.tensors[i].moments.sum_abs) << plain.tensors[i].tensor;
    EXPECT_EQ(plain.tensors[i].moments.count, other.tensors[i].moments.count);
  }
}

TEST(MeasureShift, LeavesVocabularyRowsOutThatTheModelLacks) {
  const Model base = make("llama", "base", 0), model = make("llama", "model", 0);
  family::Alignment alignment = family::align(base.alignment_side(), model.alignment_side());
  family::VocabularyRows& rows = alignment.vocabulary;
  rows.model_row.assign(64, -1);
  rows.model_row[3] = 3;
  rows.model_row[4] = 9;  // another row: a large difference
  rows.model_row[63] = 63;
  Workers workers(1);
  NoProgress progress;
  const ModelShift shift = measure_shift(base.side(), model.side(), alignment, {}, workers, progress);
  const TensorShift& embedding = tensor(shift, "model.embed_tokens.weight");
  EXPECT_EQ(embedding.moments.count, 3U * 32);
  EXPECT_EQ(embedding.moments.equal, 2U * 32);
  EXPECT_GT(embedding.moments.mean_abs(), 0);
}

TEST(MeasureShift, ReadsTheHeadOfATiedSideFromItsEmbedding) {
  const Model tied = make("llama_tied", "tied", 0), untied = make("llama", "untied", 0);
  EXPECT_THAT(shift_of(untied, tied).tensors, SizeIs(21));
  const ModelShift shift = shift_of(tied, untied);  // the model's head against the base's embedding
  EXPECT_THAT(shift.tensors, SizeIs(21));
  EXPECT_GT(tensor(shift, "lm_head.weight").moments.mean_abs(), 0);
}

Model with_value(Model model, const std::string& name, std::size_t index, float value) {
  MemoryWeights changed(model.weights.label());
  for (const TensorInfo& info : model.weights.tensors()) {
    std::vector<float> values(numel(info.shape));
    to_float32(info.dtype, model.weights.mapped(info.name), values);
    if (info.name == name) values[index] = value;
    changed.add(info.name, info.shape, values, info.dtype);
  }
  model.weights = changed;
  return model;
}

TEST(MeasureShift, RefusesNanAndInfinityNamingModelTensorAndIndex) {
  const Model base = make("llama", "base", 0), model = make("llava_llama", "mllm", 0.1F);
  const Model broken = with_value(model, "language_model.model.layers.1.mlp.up_proj.weight", 77, NAN);
  EXPECT_THAT(
      [&] { (void)shift_of(base, broken); },
      ThrowsMessage<ValueError>(AllOf(HasSubstr("mllm: language_model.model.layers.1.mlp.up_proj.weight: element 77"),
                                      HasSubstr("nan"), HasSubstr("--allow-nonfinite"))));
  const Model bad_base = with_value(base, "model.norm.weight", 3, INFINITY);
  EXPECT_THAT([&] { (void)shift_of(bad_base, model); },
              ThrowsMessage<ValueError>(AllOf(HasSubstr("base: model.norm.weight: element 3"), HasSubstr("inf"))));
}

TEST(MeasureShift, LeavesNonfiniteValuesOutWhenAllowed) {
  const Model base = make("llama", "base", 0), model = make("llama", "model", 0.1F);
  const std::string name = "model.layers.0.self_attn.o_proj.weight";
  const Model broken = with_value(with_value(model, name, 40, NAN), name, 41, -INFINITY);
  const ModelShift shift = shift_of(base, broken, {.allow_nonfinite = true}), whole = shift_of(base, model);
  EXPECT_EQ(tensor(shift, name).nonfinite, 2U);
  EXPECT_EQ(tensor(shift, name).moments.count, 1022U);
  EXPECT_EQ(tensor(shift, name).heads[1].moments.count, 254U);
  EXPECT_TRUE(tensor(shift, name).moments.finite());
  EXPECT_LT(tensor(shift, name).moments.sum_abs, tensor(whole, name).moments.sum_abs);
}

TEST(MeasureShift, WantsACompleteAlignment) {
  const Model base = make("llama", "base", 0), model = make("qwen2", "qwen", 0);
  EXPECT_THAT([&] { (void)shift_of(base, model); }, ThrowsMessage<ShapeError>(HasSubstr("do not fit together")));
}

TEST(ShiftRows, RollUpToTheSumsOfTheirTensors) {
  const ModelShift shift = shift_of(make("llama", "base", 0), make("llava_llama", "mllm", 0.1F));
  Moments all, layers;
  for (const ShiftRow& row : shift_rows(shift, Level::kModule)) all += row.moments;
  for (const ShiftRow& row : shift_rows(shift, Level::kLayer)) layers += row.moments;
  const ShiftRow model = shift_rows(shift, Level::kModel).at(0);
  EXPECT_EQ(all.count, model.moments.count);
  EXPECT_DOUBLE_EQ(all.sum_abs, model.moments.sum_abs);
  EXPECT_EQ(layers.count, model.moments.count - 2 * 64 * 32 - 32);  // all but embedding, head and final norm
  const LayerModuleTable table = by_layer_and_module(shift);
  EXPECT_THAT(table.layers, ElementsAre(0, 1));
  EXPECT_THAT(table.modules, SizeIs(9));
  EXPECT_EQ(table.modules[0], "query");
  EXPECT_EQ(table.mean_abs[9], tensor(shift, "model.layers.1.self_attn.q_proj.weight").moments.mean_abs());
}

TEST(ShiftRecords, HoldEveryStatisticInJsonAndCsv) {
  const std::vector<ModelShift> shifts{shift_of(make("llama", "base", 0), make("llava_llama", "ml,lm", 0.1F))};
  const Json json = shift_json(shifts, std::vector{Level::kTensor, Level::kHead});
  EXPECT_EQ(json.at("base"), "base");
  const Json& row = json.at("rows").at(0);
  EXPECT_EQ(row.at("tensor"), "lm_head.weight");
  EXPECT_EQ(row.at("role"), "lm_head");
  EXPECT_EQ(row.at("model"), "ml,lm");
  EXPECT_TRUE(row.at("layer").is_null());
  EXPECT_FALSE(row.contains("head"));
  for (const char* key : {"mean_abs", "rms", "max_abs", "relative", "cosine", "sign_change_share", "equal_share"}) {
    EXPECT_TRUE(row.at(key).is_number()) << key;
  }
  EXPECT_TRUE(row.at("top_mass").at("10").is_number());
  EXPECT_EQ(json.at("rows").back().at("role"), "attention");
  EXPECT_EQ(json.at("rows").back().at("head"), 3);

  const std::string csv = shift_csv(shifts, std::vector{Level::kModel});
  EXPECT_THAT(csv, StartsWith("model,level,tensor,role,layer,head,elements,mean_abs,"));
  EXPECT_THAT(csv, HasSubstr("\n\"ml,lm\",model,,,,,"));
  EXPECT_EQ(std::ranges::count(csv, '\n'), 2);
}

TEST(ShiftRows, KnowTheirLevels) {
  EXPECT_EQ(level_from_name("head"), Level::kHead);
  EXPECT_THAT([] { (void)level_from_name("heads"); }, ThrowsMessage<UsageError>(HasSubstr("head")));
}

}  // namespace
}  // namespace cambium::shift
