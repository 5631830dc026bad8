#include "model/engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <set>

#include "tensor/error.h"
#include "unit/model/golden_model.h"

namespace cambium::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

using Ids = std::vector<std::int32_t>;

Ids random_ids(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  Ids ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(static_cast<std::int32_t>(3 + random() % 58));
  return ids;
}

Ids joined(Ids first, const Ids& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

GenerateRequest greedy(const Ids& prompt, std::size_t count = 10) {
  GenerateRequest request;
  request.prompt.ids = prompt;
  request.max_new_tokens = count;
  return request;
}

class EngineOf : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Models, EngineOf,
                         testing::Values("llama_biases", "gemma3_text", "gpt_neox_parallel", "qwen2_sliding"));

TEST_P(EngineOf, GivesASequenceTheSameBitsAloneInABatchAndWithSharedPrefixes) {
  const LoadedModel model = load_golden(GetParam());
  std::vector<GenerateRequest> requests;
  const Ids shared = random_ids(33, 1);
  for (unsigned i = 0; i < 9; ++i) requests.push_back(greedy(joined(shared, random_ids(1 + i, 10 + i))));
  for (unsigned i = 0; i < 4; ++i) requests.push_back(greedy(random_ids(1 + 7 * i, 20 + i)));
  requests.push_back(greedy(shared));
  requests.push_back(greedy(shared));

  std::vector<Generation> alone;
  for (const GenerateRequest& request : requests) {
    const auto fresh = engine_of(model, {.retained_blocks = 0}, 64, 1);
    alone.push_back(fresh->generate({&request, 1})[0]);
  }
  // All at once; in steps of a few tokens; two at a time; with one thread more.
  for (const EngineOptions options :
       {EngineOptions{}, EngineOptions{.step_tokens = 7}, EngineOptions{.max_sequences = 2}}) {
    const auto engine = engine_of(model, options, 256, 3);
    for (int round = 0; round < 2; ++round) {  // the second finds prefixes that the first one left
      const std::vector<Generation> together = engine->generate(requests);
      for (std::size_t i = 0; i < requests.size(); ++i) {
        EXPECT_EQ(together[i].ids, alone[i].ids) << "request " << i;
        EXPECT_EQ(together[i].log_probabilities, alone[i].log_probabilities) << "request " << i;
      }
    }
  }
}

TEST(Engine, ComputesACommonPrefixOnce) {
  const LoadedModel model = load_golden("llama_biases");
  const auto engine = engine_of(model);
  const Ids shared = random_ids(40, 2);
  std::vector<GenerateRequest> requests;
  for (const std::int32_t last : {3, 4, 5}) requests.push_back(greedy(joined(shared, {last, 7}), 1));
  (void)engine->generate(requests);
  EXPECT_EQ(engine->statistics().prompt_tokens, 3U * 42U);
  EXPECT_EQ(engine->statistics().computed_tokens, 40U + 3U * 2U);
  EXPECT_EQ(engine->statistics().generated_tokens, 3U);
  // A conversation that goes on where one of them ended computes only what is new.
  const GenerateRequest next = greedy(joined(requests[1].prompt.ids, random_ids(5, 3)), 1);
  (void)engine->generate({&next, 1});
  EXPECT_EQ(engine->statistics().computed_tokens, 5U);
  engine->forget();
  (void)engine->generate({&next, 1});
  EXPECT_EQ(engine->statistics().computed_tokens, 47U);
}

// log p of each token by the logits themselves.
std::vector<double> reference_log_probabilities(Engine& engine, const Ids& context, const Ids& continuation,
                                                bool& all_best) {
  const Ids ids = joined(context, continuation);
  LogitRequest request;
  request.prompt.ids = ids;
  std::vector<double> result(continuation.size());
  std::vector<bool> best(continuation.size());
  for (std::size_t t = 0; t < continuation.size(); ++t) request.positions.push_back(context.size() - 1 + t);
  std::mutex mutex;
  request.receive = [&](std::size_t index, std::span<const float> logits) {
    double sum = 0;
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
    const std::lock_guard lock(mutex);
    const auto id = static_cast<std::size_t>(continuation[index]);
    result[index] = static_cast<double>(logits[id]) - std::log(sum);
    best[index] = static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()) == id;
  };
  engine.logits({&request, 1});
  all_best = std::all_of(best.begin(), best.end(), [](bool b) { return b; });
  return result;
}

TEST_P(EngineOf, ScoresContinuationsAsTheLogitsSay) {
  const LoadedModel model = load_golden(GetParam());
  const auto engine = engine_of(model);
  std::vector<ScoreRequest> requests(3);
  for (unsigned i = 0; i < 3; ++i) {
    requests[i].context.ids = joined(random_ids(20, 4), random_ids(i, 30 + i));
    requests[i].continuations = {
        random_ids(1, 40 + i), random_ids(4, 41 + i), random_ids(4, 41 + i), random_ids(9, 43 + i), {}};
  }
  // One that the model would write itself.
  const GenerateRequest own = greedy(requests[0].context.ids, 3);
  requests[0].continuations.push_back(engine->generate({&own, 1})[0].ids);
  const auto scores = engine->score(requests);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    for (std::size_t c = 0; c < requests[i].continuations.size(); ++c) {
      bool greedy_expected = true;
      const std::vector<double> expected =
          reference_log_probabilities(*engine, requests[i].context.ids, requests[i].continuations[c], greedy_expected);
      const ContinuationScore& score = scores[i][c];
      ASSERT_EQ(score.log_probabilities.size(), expected.size());
      for (std::size_t t = 0; t < expected.size(); ++t) EXPECT_NEAR(score.log_probabilities[t], expected[t], 1e-5);
      EXPECT_NEAR(score.log_likelihood, std::accumulate(expected.begin(), expected.end(), 0.0), 1e-4);
      EXPECT_EQ(score.greedy, greedy_expected) << "request " << i << " continuation " << c;
    }
  }
  EXPECT_TRUE(scores[0].back().greedy);
}

TEST(Engine, TellsWhenEachRequestIsDone) {
  const LoadedModel model = load_golden("qwen3");
  const auto engine = engine_of(model);
  std::vector<ScoreRequest> requests(3);
  for (unsigned i = 0; i < 3; ++i) {
    requests[i].context.ids = random_ids(5 + i, i);
    if (i != 1) requests[i].continuations = {random_ids(2, 50), random_ids(3, 51)};
  }
  std::vector<std::vector<ContinuationScore>> results;
  std::vector<std::size_t> done;
  engine->score(requests, results, [&](std::size_t request) {
    done.push_back(request);
    for (const ContinuationScore& score : results[request]) EXPECT_LT(score.log_likelihood, 0);
  });
  EXPECT_THAT(done, testing::UnorderedElementsAre(0, 1, 2));
}

TEST(Engine, StopsAtStopTokensAtTheCallersWishAndAtTheContextsEnd) {
  const LoadedModel model = load_golden("llama_biases");  // context 64
  const auto engine = engine_of(model);
  const Ids prompt = random_ids(20, 6);
  const GenerateRequest plain = greedy(prompt, 8);
  const Ids ids = engine->generate({&plain, 1})[0].ids;

  GenerateRequest stopped = plain;
  stopped.stop_ids = {2, ids[3]};
  const auto first = static_cast<std::size_t>(std::find(ids.begin(), ids.end(), ids[3]) - ids.begin());
  const Generation at_stop = engine->generate({&stopped, 1})[0];
  EXPECT_EQ(at_stop.ids, Ids(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(first) + 1));
  EXPECT_EQ(at_stop.reason, StopReason::kStopToken);

  GenerateRequest watched = plain;
  int seen = 0;
  watched.on_token = [&](const SampledToken& token) {
    EXPECT_EQ(token.id, ids[static_cast<std::size_t>(seen)]);
    return ++seen < 5;
  };
  const Generation by_caller = engine->generate({&watched, 1})[0];
  EXPECT_EQ(by_caller.ids.size(), 5U);
  EXPECT_EQ(by_caller.reason, StopReason::kCaller);

  const GenerateRequest endless = greedy(prompt, 1000);
  const Generation full = engine->generate({&endless, 1})[0];
  EXPECT_EQ(full.ids.size(), 44U);
  EXPECT_EQ(full.reason, StopReason::kContext);

  const GenerateRequest none = greedy(prompt, 0);
  EXPECT_TRUE(engine->generate({&none, 1})[0].ids.empty());
}

TEST(Engine, SamplesByItsSeedWhateverElseIsInTheBatch) {
  const LoadedModel model = load_golden("llama_biases");
  const auto engine = engine_of(model);
  std::vector<GenerateRequest> requests;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    requests.push_back(greedy(random_ids(9, 7), 12));
    requests.back().sampling = {.temperature = 1.5, .seed = seed};
  }
  const std::vector<Generation> together = engine->generate(requests);
  std::set<Ids> distinct;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(engine->generate({&requests[i], 1})[0].ids, together[i].ids);
    distinct.insert(together[i].ids);
  }
  EXPECT_EQ(distinct.size(), 6U);
}

TEST(Engine, SwitchesHeadsOffInOneSequenceOnly) {
  const LoadedModel model = load_golden("llama_biases");
  const auto engine = engine_of(model);
  const Ids prompt = random_ids(30, 8);
  auto mask = std::make_shared<HeadMask>(2, 4);
  mask->switch_off(0, 1);
  mask->switch_off(1, 3);
  std::vector<GenerateRequest> requests{greedy(prompt), greedy(prompt)};
  requests[1].prompt.heads_off = mask;
  const std::vector<Generation> both = engine->generate(requests);
  EXPECT_EQ(engine->generate({&requests[0], 1})[0].log_probabilities, both[0].log_probabilities);
  EXPECT_EQ(engine->generate({&requests[1], 1})[0].log_probabilities, both[1].log_probabilities);
  EXPECT_NE(both[0].log_probabilities, both[1].log_probabilities);

  // The same as columns of zeros in the output projections.
  LoadedModel cut = load_golden("llama_biases");
  for (const auto& [layer, head] : {std::pair{0, 1}, std::pair{1, 3}}) {
    at::Tensor& weight = cut.weights.layers[static_cast<std::size_t>(layer)].attention_output.weight;
    weight = weight.clone();
    weight.narrow(1, head * 10, 10).zero_();
  }
  EXPECT_EQ(engine_of(cut)->generate({&requests[0], 1})[0].ids, both[1].ids);
}

TEST(Engine, TakesRowsInPlaceOfEmbeddings) {
  const LoadedModel model = load_golden("gemma2");
  const auto engine = engine_of(model);
  const Ids prompt = random_ids(40, 9);
  const GenerateRequest plain = greedy(prompt);
  // Tokens 10 .. 14 given as their own (scaled) embeddings, under other ids.
  auto rows = std::make_shared<std::vector<float>>();
  GenerateRequest given = plain;
  for (std::size_t i = 10; i < 15; ++i) {
    const at::Tensor row = model.weights.embedding[prompt[i]];
    for (std::int64_t j = 0; j < row.numel(); ++j) {
      rows->push_back(row[j].item<float>() * static_cast<float>(model.config.embedding_scale));
    }
    given.prompt.ids[i] = 0;
  }
  given.prompt.embeddings = {{10, 5, rows, 77}};
  EXPECT_EQ(engine->generate({&given, 1})[0].log_probabilities, engine->generate({&plain, 1})[0].log_probabilities);
  // The same picture again is not computed again; another one is.
  EXPECT_LT(engine->statistics().computed_tokens, 41U);
  (void)engine->generate({&given, 1});
  EXPECT_EQ(engine->statistics().computed_tokens, 1U);
  given.prompt.embeddings[0].identity = 78;
  (void)engine->generate({&given, 1});
  EXPECT_EQ(engine->statistics().computed_tokens, 30U);
}

TEST(Engine, WorksInACacheThatHoldsLittleMoreThanOneSequence) {
  const LoadedModel model = load_golden("llama_biases");
  const Ids shared = random_ids(30, 10);
  std::vector<GenerateRequest> requests;
  for (unsigned i = 0; i < 12; ++i)
    requests.push_back(greedy(joined(i % 2 == 0 ? shared : random_ids(25, i), random_ids(i, 60 + i))));
  const std::vector<Generation> roomy = engine_of(model)->generate(requests);
  const auto tight = engine_of(model, {}, 4);
  const std::vector<Generation> cramped = tight->generate(requests);
  for (std::size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(cramped[i].ids, roomy[i].ids);
}

TEST(Engine, SaysWhenASequenceDoesNotFitTheCache) {
  const LoadedModel model = load_golden("llama_biases");
  const auto engine = engine_of(model, {}, 1);
  const GenerateRequest request = greedy(random_ids(40, 11));
  EXPECT_THAT([&] { (void)engine->generate({&request, 1}); }, ThrowsMessage<SystemError>(HasSubstr("blocks")));
}

TEST(Engine, RefusesBadRequestsByNumber) {
  const LoadedModel model = load_golden("llama_biases");
  const auto engine = engine_of(model);
  const std::vector<GenerateRequest> outside{greedy({5}), greedy({5, 61})};
  EXPECT_THAT([&] { (void)engine->generate(outside); },
              ThrowsMessage<ValueError>(testing::AllOf(HasSubstr("request 1"), HasSubstr("61"))));
  const GenerateRequest empty = greedy({});
  EXPECT_THAT([&] { (void)engine->generate({&empty, 1}); }, ThrowsMessage<ValueError>(HasSubstr("no token")));
  const GenerateRequest too_long = greedy(random_ids(65, 12));
  EXPECT_THAT(
      [&] {
        (void)engine->generate({&too_long, 1});
      },
      ThrowsMessage<ValueError>(testing::AllOf(HasSubstr("65 tokens"), HasSubstr("holds 64"))));
  GenerateRequest hot = greedy({5});
  hot.sampling.temperature = -1;
  EXPECT_THAT([&] { (void)engine->generate({&hot, 1}); }, ThrowsMessage<UsageError>(HasSubstr("temperature")));
}

}  // namespace
}  // namespace cambium::model
