#include "eval/run_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/generation_settings.h"
#include "eval/json_text.h"
#include "eval/sha256.h"
#include "support/temp_folder.h"
#include "tensor/error.h"
#include "text/jinja_json.h"

namespace cambium::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using text::jinja::Value;

Value json(std::string_view text) { return text::jinja::from_json(text, "test"); }

TEST(Seeds, AreReadInLmEvaluationHarnesssOrder) {
  EXPECT_EQ(parse_seeds("").fewshot, 1234);
  EXPECT_EQ(parse_seeds("7").fewshot, 7);
  EXPECT_EQ(parse_seeds("0,1,2,3").fewshot, 3);
  EXPECT_EQ(parse_seeds("None,1,2").torch, 2);
  EXPECT_EQ(parse_seeds("None,1,2").fewshot, 1234);
  EXPECT_THAT([] { static_cast<void>(parse_seeds("1,2")); }, ThrowsMessage<UsageError>(HasSubstr("--seed 1,2")));
  EXPECT_THAT([] { static_cast<void>(parse_seeds("0,0,0,None")); }, ThrowsMessage<UsageError>(HasSubstr("None")));
}

TEST(GenerationArguments, AreReadFromPairsAndJson) {
  EXPECT_EQ(
      json_text(parse_generation_arguments({"temperature=0.7,until=[\"a,b\", 'c'],do_sample=True", "max_gen_toks=8"})),
      R"({"temperature": 0.7, "until": ["a,b", "c"], "do_sample": true, "max_gen_toks": 8})");
  EXPECT_EQ(json_text(parse_generation_arguments({R"({"until": ["\n"]})"})), R"({"until": ["\n"]})");
  EXPECT_TRUE(parse_generation_arguments({}).is_none());
  EXPECT_THAT([] { static_cast<void>(parse_generation_arguments({"greedy"})); },
              ThrowsMessage<UsageError>(HasSubstr("greedy")));
}

TEST(Samples, AreReadFromJsonOrAFile) {
  EXPECT_THAT(parse_samples(R"({"a": [3, 1]})").at("a"), ElementsAre(3, 1));
  const testing_support::TempFolder folder;
  EXPECT_THAT(parse_samples(folder.write("s.json", R"({"b": [0]})").string()).at("b"), ElementsAre(0));
  EXPECT_THAT([] { static_cast<void>(parse_samples(R"({"a": [-1]})")); },
              ThrowsMessage<UsageError>(HasSubstr("--samples")));
  EXPECT_THAT([] { static_cast<void>(parse_samples(R"({"a": )")); }, ThrowsMessage<UsageError>(HasSubstr("--samples")));
}

TEST(GenerationSettings, AreGreedyUnlessSamplingIsAskedFor) {
  const GenerationDefaults defaults{.temperature = 0.6, .top_p = 0.9, .top_k = 20};
  EXPECT_FALSE(generation_settings(json(R"({"until": "x"})"), defaults).is_sampled());
  EXPECT_FALSE(generation_settings(json(R"({"do_sample": false, "temperature": 0.7})"), defaults).is_sampled());
  const GenerationSettings sampled = generation_settings(json(R"({"do_sample": true, "top_p": 0.5})"), defaults);
  EXPECT_EQ(sampled.sampling.temperature, 0.6);
  EXPECT_EQ(sampled.sampling.top_p, 0.5);
  EXPECT_EQ(sampled.sampling.top_k, 20);
  EXPECT_TRUE(generation_settings(json(R"({"temperature": 0.3})"), defaults).is_sampled());
}

TEST(GenerationSettings, TakeTheLengthFromTheFirstOfItsNames) {
  EXPECT_EQ(generation_settings(Value(), {}).max_new_tokens, 256U);
  EXPECT_EQ(generation_settings(json(R"({"max_tokens": 5, "max_gen_toks": 7})"), {}).max_new_tokens, 7U);
  EXPECT_THAT(generation_settings(json(R"({"until": ["\n", "Q:"]})"), {}).stops, ElementsAre("\n", "Q:"));
}

TEST(GenerationSettings, RefuseWhatIsNotDone) {
  EXPECT_NO_THROW(static_cast<void>(generation_settings(json(R"({"num_beams": 1})"), {})));
  EXPECT_THAT([] { static_cast<void>(generation_settings(json(R"({"num_beams": 4})"), {})); },
              ThrowsMessage<UsageError>(HasSubstr("num_beams")));
  EXPECT_THAT([] { static_cast<void>(generation_settings(json(R"({"temprature": 1})"), {})); },
              ThrowsMessage<UsageError>(HasSubstr("temperature")));
}

TEST(GenerationDefaults, AreReadFromTheModelsFolder) {
  const testing_support::TempFolder folder;
  EXPECT_EQ(GenerationDefaults::from_folder(folder.path()).repetition_penalty, 1);
  folder.write("generation_config.json", R"({"repetition_penalty": 1.1, "top_k": null})");
  EXPECT_EQ(GenerationDefaults::from_folder(folder.path()).repetition_penalty, 1.1);
  folder.write("generation_config.json", R"({"repetition_penalty": "much"})");
  EXPECT_THAT([&] { static_cast<void>(GenerationDefaults::from_folder(folder.path())); },
              ThrowsMessage<CheckpointError>(HasSubstr("repetition_penalty")));
}

// FIPS 180-4's examples.
TEST(Sha256, AgreesWithTheStandardsExamples) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace cambium::eval
