// Scores with heads switched off against an engine that runs every prompt with the mask.
#include "eval/heads_scoring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

#include "tensor/error.h"
#include "unit/model/golden_model.h"

namespace cambium::eval {
namespace {

using model::Engine;
using model::LoadedModel;
using model::NativeDecoder;

std::vector<std::int32_t> random_ids(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::int32_t> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(static_cast<std::int32_t>(3 + random() % 58));
  return ids;
}

// Prompts that share a beginning inside a block, options of one and more tokens, and a question whose options have
// contexts of their own.
std::vector<MaskedQuestion> questions() {
  std::vector<MaskedQuestion> made;
  const std::vector<std::int32_t> shared = random_ids(33, 1);
  for (unsigned i = 0; i < 4; ++i) {
    model::Prompt prompt;
    prompt.ids = shared;
    for (const std::int32_t id : random_ids(1 + 4 * i, 10 + i)) prompt.ids.push_back(id);
    MaskedQuestion question;
    for (unsigned o = 0; o < 3; ++o)
      question.options.push_back({prompt, random_ids(i == 0 ? 1 : 1 + o, 50 + 3 * i + o)});
    made.push_back(question);
  }
  MaskedQuestion blank;
  for (unsigned o = 0; o < 2; ++o) {
    model::Prompt prompt;
    prompt.ids = random_ids(5 + o, 80 + o);
    blank.options.push_back({prompt, random_ids(2, 90)});
  }
  made.push_back(blank);
  return made;
}

double by_engine(Engine& engine, const MaskedOption& option, std::shared_ptr<const model::HeadMask> off) {
  model::ScoreRequest request;
  request.context = option.context;
  request.context.heads_off = std::move(off);
  request.continuations = {option.continuation};
  return engine.score({&request, 1})[0][0].log_likelihood;
}

class HeadsScoringOf : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Models, HeadsScoringOf,
                         testing::Values("llama_biases", "gemma3_text", "gemma2", "gpt_neox_parallel", "qwen2_sliding",
                                         "qwen3", "gpt2_scaled", "phi3_longrope", "llama_dynamic"));

TEST_P(HeadsScoringOf, EqualsAnEngineThatRunsEveryPromptWithTheMask) {
  const LoadedModel model = model::load_golden(GetParam());
  const auto layers = static_cast<std::size_t>(model.config.num_layers);
  const auto heads = static_cast<std::size_t>(model.config.num_heads);
  const std::vector<MaskedQuestion> asked = questions();
  std::vector<HeadSet> masks;
  for (std::size_t l = 0; l < layers; ++l) {
    for (std::size_t h = 0; h < heads; ++h) masks.push_back({{{l, h}}});
  }
  masks.push_back({{{layers - 1, 0}, {0, heads - 1}}});  // in two layers
  const auto engine = model::engine_of(model, {.retained_blocks = 0}, 256, 1);
  // In one batch, and in several of a few tokens.
  for (const std::size_t step_rows : {std::size_t{2048}, std::size_t{64}}) {
    NativeDecoder decoder(model.config, model.weights, model.dtype, {.threads = 2, .max_blocks = 512});
    MaskedScoringOptions options;
    options.step_rows = step_rows;
    std::map<std::pair<std::size_t, std::size_t>, std::vector<double>> scores;
    score_masked(decoder, asked, masks, options, [&](std::size_t question, std::size_t mask, auto values) {
      EXPECT_TRUE((scores.try_emplace({question, mask}, values.begin(), values.end()).second));
    });
    EXPECT_EQ(scores.size(), asked.size() * (masks.size() + 1));
    EXPECT_EQ(decoder.cache().used_blocks(), 0U);
    std::size_t moved = 0;
    for (std::size_t q = 0; q < asked.size(); ++q) {
      for (std::size_t m = 0; m <= masks.size(); ++m) {
        std::shared_ptr<model::HeadMask> off;
        if (m < masks.size()) {
          off = std::make_shared<model::HeadMask>(layers, heads);
          for (const auto& [layer, head] : masks[m].heads) off->switch_off(layer, head);
        }
        const auto& made = scores.at({q, m < masks.size() ? m : kUnmasked});
        for (std::size_t o = 0; o < asked[q].options.size(); ++o) {
          EXPECT_EQ(made[o], by_engine(*engine, asked[q].options[o], off)) << "question " << q << " mask " << m;
          moved += made[o] != scores.at({q, kUnmasked})[o] ? 1U : 0U;
        }
      }
    }
    EXPECT_GT(moved, masks.size() * asked.size());  // masks do something
  }
}

TEST(HeadsScoring, RefusesWhatIsNotThere) {
  const LoadedModel model = model::load_golden("llama_biases");
  NativeDecoder decoder(model.config, model.weights, model.dtype, {.threads = 1, .max_blocks = 64});
  const std::vector<MaskedQuestion> asked = questions();
  const auto nothing = [](std::size_t, std::size_t, std::span<const double>) {};
  const std::vector<HeadSet> beyond{{{{0, 99}}}};
  EXPECT_THAT([&] { score_masked(decoder, asked, beyond, {}, nothing); },
              testing::ThrowsMessage<ValueError>(testing::HasSubstr("no head 99 in layer 0")));
  std::vector<MaskedQuestion> broken = asked;
  broken[2].options[0].continuation = {100'000};
  EXPECT_THROW(score_masked(decoder, broken, {}, {}, nothing), ValueError);
}

}  // namespace
}  // namespace cambium::eval
