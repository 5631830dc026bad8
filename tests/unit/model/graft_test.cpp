#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "model/decoder.h"
#include "model/graft/fresh_values.h"
#include "model/graft/graft_file.h"
#include "model/graft/graft_tokenizer.h"
#include "model/graft/graft_writer.h"
#include "model/loaded_model.h"
#include "model/media/media_prompt.h"
#include "support/temp_folder.h"
#include "tensor/error.h"
#include "text/chat_template.h"

namespace cambium::model {
namespace {

using testing::HasSubstr;
using testing_support::file_content;
using testing_support::TempFolder;

std::string golden(const std::string& name) {
  return (std::filesystem::path(CAMBIUM_SOURCE_DIR) / "tests/golden/models" / name).string();
}

// The language model of the golden graft has no tokenizer; the graft's own files stand in (they have <image> already).
std::filesystem::path language_folder(const TempFolder& folder) {
  const std::filesystem::path language = folder / "language";
  std::filesystem::copy(golden("llava_15-base"), language);
  folder.write("language/tokenizer.json", R"({"version": "1.0", "added_tokens": [
    {"id": 0, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
    "pre_tokenizer": {"type": "Whitespace"},
    "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"<s>": 0, "what": 1, "is": 2, "?": 3, "it": 403}}})");
  folder.write("language/tokenizer_config.json",
               R"({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>"})");
  return language;
}

constexpr const char* kPicture =
    "image: {tower: {hidden_size: 16, layers: 2, heads: 2, image_size: 14, patch_size: 7}}\n";
constexpr const char* kOmni =
    "image: {tower: {hidden_size: 16, layers: 2, heads: 2, image_size: 14, patch_size: 7}}\n"
    "video: {frames: 3, pooling: patches, tower: {kind: siglip, hidden_size: 16, layers: 1, heads: 2, image_size: 14, "
    "patch_size: 7}}\n"
    "audio: {mels: 8, seconds: 1, tower: {hidden_size: 16, layers: 1, heads: 2, patch_size: [8, 20]}}\n";

GraftFile graft(const std::filesystem::path& language, const std::string& text, int seed = 1) {
  return parse_graft("language: " + language.string() + "\nseed: " + std::to_string(seed) + "\n" + text, "graft.yml");
}

std::string refusal(const std::string& text) {
  try {
    (void)parse_graft(text, "graft.yml");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(GraftFile, NamesTheLineAndTheNearestKey) {
  EXPECT_THAT(refusal("language: a\nimagee: {}"), testing::AllOf(HasSubstr("line 2"), HasSubstr("image")));
  EXPECT_THAT(refusal("language: a\nimage: {tower: {checkpoint: b, layers: 2}}"), HasSubstr("either a checkpoint"));
  EXPECT_THAT(
      refusal("language: a\nimage: {tower: {hidden_size: 10, heads: 3, layers: 1, patch_size: 2, image_size: 4}}"),
      HasSubstr("3 heads"));
  EXPECT_THAT(refusal("language: a\nimage: {frames: 2, tower: {checkpoint: b}}"), HasSubstr("unknown key 'frames'"));
  EXPECT_THAT(refusal("language: a"), HasSubstr("nothing to graft"));
  EXPECT_THAT(refusal("image: {tower: {checkpoint: b}}"), HasSubstr("language"));
  EXPECT_THAT(refusal("language: [a"), HasSubstr("not valid YAML"));
}

TEST(FreshValues, AreStandardNormalAndOfTheirNameAndSeed) {
  std::vector<float> values(100000);
  fill_normal(7, "a", 2, values);
  double sum = 0, squares = 0;
  for (const float value : values) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  EXPECT_NEAR(sum / 1e5, 0, 0.03);                  // 5 standard errors
  EXPECT_NEAR(std::sqrt(squares / 1e5), 2, 0.025);  // likewise
  std::vector<float> same(10), other(10), another(10);
  fill_normal(7, "a", 2, same);
  fill_normal(7, "b", 2, other);
  fill_normal(8, "a", 2, another);
  EXPECT_TRUE(std::equal(same.begin(), same.end(), values.begin()));
  EXPECT_NE(same, other);
  EXPECT_NE(same, another);
}

TEST(Graft, KeepsTheLanguageAndGivesTheImageTokenTheMeanRow) {
  const at::NoGradGuard no_gradients;
  const TempFolder folder;
  const auto language = language_folder(folder);
  const GraftReport report = write_graft(graft(language, kPicture), folder / "out");
  EXPECT_EQ(report.model_type, "llava");
  EXPECT_EQ(report.dtype, "bfloat16");
  EXPECT_EQ(report.added_rows, 1);
  EXPECT_EQ(report.parts.at(0).token_id, 404);
  EXPECT_EQ(report.parts.at(0).tokens, 4);
  const LoadedModel base = load_model(open_model(language.string()), at::kFloat);
  const LoadedModel made = load_model(open_model((folder / "out").string()), at::kFloat);
  EXPECT_EQ(made.description.family, "llava");
  ASSERT_EQ(made.config.vocab_size, 405);
  EXPECT_TRUE(made.weights.embedding.narrow(0, 0, 404).equal(base.weights.embedding));
  EXPECT_TRUE(made.weights.embedding[404].allclose(base.weights.embedding.mean(0), 1e-2, 1e-4));  // rounded to bfloat16
  EXPECT_TRUE(made.weights.layers[1].down.weight.equal(base.weights.layers[1].down.weight));
  const MediaTowers towers = load_media(made);
  ASSERT_EQ(towers.all().size(), 1U);
  const at::Tensor features = towers.all()[0].features(at::randn({8, 3, 14, 14}));
  EXPECT_EQ(features.sizes(), at::IntArrayRef({8, 4, 32}));
  // Rows begin about as large as word embeddings.
  const double ratio =
      features.pow(2).mean().sqrt().item<double>() / base.weights.embedding.pow(2).mean().sqrt().item<double>();
  EXPECT_GT(ratio, 0.3);
  EXPECT_LT(ratio, 3);
}

TEST(Graft, OfThreeModalitiesReadsPicturesClipsAndSounds) {
  const at::NoGradGuard no_gradients;
  const TempFolder folder;
  const GraftReport report = write_graft(graft(language_folder(folder), kOmni), folder / "out");
  EXPECT_EQ(report.model_type, "cambium_graft");
  const LoadedModel made = load_model(open_model((folder / "out").string()), at::kFloat);
  EXPECT_EQ(made.description.family, "cambium_graft");
  const MediaTowers towers = load_media(made);
  ASSERT_EQ(towers.all().size(), 3U);
  EXPECT_EQ(towers.find(Modality::kImage)->features(at::randn({2, 3, 14, 14})).sizes(), at::IntArrayRef({2, 4, 32}));
  EXPECT_EQ(towers.find(Modality::kVideo)->features(at::randn({2, 3, 3, 14, 14})).sizes(), at::IntArrayRef({2, 3, 32}));
  // 100 frames in patches of 20, of CLIP's tower without its class token.
  EXPECT_EQ(towers.find(Modality::kAudio)->features(at::randn({2, 8, 100})).sizes(), at::IntArrayRef({2, 5, 32}));

  const text::Tokenizer tokenizer = text::Tokenizer::from_folder(folder / "out");
  const MediaTokens tokens = Placeholders(towers, tokenizer).expand(tokenizer, "what <audio> is <image> it", true);
  EXPECT_EQ(tokens.ids.size(), 3U + 5U + 4U);
  ASSERT_EQ(tokens.places.size(), 2U);
  EXPECT_EQ(tokens.places[0].modality, Modality::kAudio);
  const MediaReader reader(folder / "out");
  std::string wave = "RIFF";
  const auto number = [&](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) wave += static_cast<char>(value >> (8 * i));
  };
  number(36 + 200, 4);
  wave += "WAVEfmt ";
  number(16, 4), number(1, 2), number(1, 2), number(16000, 4), number(32000, 4), number(2, 2), number(16, 2);
  wave += "data";
  number(200, 4);
  wave += std::string(200, '\x10');
  EXPECT_EQ(reader.read({Modality::kAudio, {}, wave, "sound"}).sizes(), at::IntArrayRef({8, 100}));
}

TEST(Graft, GivesTheSameBytesForTheSameSeedOnly) {
  const TempFolder folder;
  const auto language = language_folder(folder);
  (void)write_graft(graft(language, kOmni, 1), folder / "a");
  (void)write_graft(graft(language, kOmni, 1), folder / "b");
  (void)write_graft(graft(language, kOmni, 2), folder / "c");
  const std::string a = file_content(folder / "a" / "model.safetensors");
  EXPECT_TRUE(a == file_content(folder / "b" / "model.safetensors"));
  EXPECT_FALSE(a == file_content(folder / "c" / "model.safetensors"));
}

// From the golden graft: its tower and its projector on its language model give its logits again.
TEST(Graft, OfALoadedTowerAndProjectorGivesTheFeaturesOfTheirModel) {
  const at::NoGradGuard no_gradients;
  const TempFolder folder;
  const std::string donor = golden("llava_15-pre452");
  const GraftReport report =
      write_graft(graft(language_folder(folder),
                        "image: {tower: {checkpoint: " + donor + "}, projector: {checkpoint: " + donor + "}}"),
                  folder / "out");
  EXPECT_FALSE(report.parts.at(0).fresh_tower);
  const at::Tensor pixels = at::randn({1, 3, 28, 28});
  const LoadedModel made = load_model(open_model((folder / "out").string()), at::kFloat);
  const LoadedModel want = load_model(open_model(donor), at::kFloat);
  EXPECT_TRUE(load_media(made).all()[0].features(pixels).equal(load_media(want).all()[0].features(pixels)));
  const MediaReader reader(folder / "out");
  const MediaItem picture{Modality::kImage, golden("llava_15.a.png"), {}, {}};
  EXPECT_TRUE(reader.read(picture).equal(MediaReader(donor).read(picture)));
}

// Several models' towers and projectors on one language model, as each was made.
TEST(Graft, TakesTowersProjectorsAndTheirSettingsFromAGraft) {
  const at::NoGradGuard no_gradients;
  const TempFolder folder;
  const auto language = language_folder(folder);
  (void)write_graft(graft(language, kOmni, 1), folder / "first");
  const std::string from = "{checkpoint: " + (folder / "first").string() + "}";
  const std::string both = "{tower: " + from + ", projector: " + from + "}\n";
  (void)write_graft(graft(language, "image: " + both + "video: " + both + "audio: " + both, 2), folder / "second");
  EXPECT_TRUE(file_content(folder / "first" / "model.safetensors") ==
              file_content(folder / "second" / "model.safetensors"));
  EXPECT_EQ(file_content(folder / "first" / "processor_config.json"),
            file_content(folder / "second" / "processor_config.json"));
  const LoadedModel made = load_model(open_model((folder / "second").string()), at::kFloat);
  EXPECT_EQ(load_media(made).find(Modality::kVideo)->tokens(), 3);
  try {
    (void)write_graft(graft(language, "audio: {seconds: 2, tower: " + from + "}"), folder / "third");
    FAIL() << "accepted";
  } catch (const CheckpointError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("[8,100]"), HasSubstr("200 frames")));
  }
}

TEST(Graft, LeavesNothingWhenAProjectorDoesNotFit) {
  const TempFolder folder;
  const auto language = language_folder(folder);
  const std::string text = std::string(kPicture).substr(0, std::string(kPicture).size() - 2) +
                           ", projector: {checkpoint: " + golden("llava_15-pre452") + "}}";
  try {
    (void)write_graft(graft(language, text), folder / "out");
    FAIL() << "accepted";
  } catch (const CheckpointError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("linear_1"), HasSubstr("32, 16")));
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
}

TEST(GraftedText, WritesTemplatesThatTakeTextAndParts) {
  const TempFolder folder;
  (void)write_graft(graft(language_folder(folder), kOmni), folder / "out");
  const text::ChatTemplate made = text::ChatTemplate::from_folder(folder / "out");
  using text::jinja::Value;
  const auto words = [](const char* text) { return Value::string(text); };
  text::ChatRequest request;
  request.add_generation_prompt = true;
  request.messages = Value::list(
      {Value::dict({{"role", words("user")},
                    {"content", Value::list({Value::dict({{"type", words("audio")}}),
                                             Value::dict({{"type", words("text")}, {"text", words("what?")}})})}})});
  EXPECT_EQ(made.render(request), "USER: <audio>\nwhat? ASSISTANT:");
  request.messages = Value::list({Value::dict({{"role", words("user")}, {"content", words("what?")}})});
  EXPECT_EQ(made.render(request), "USER: what? ASSISTANT:");
}

// A template that knows nothing of parts gets them as text; what else it does stays.
TEST(GraftedText, PutsPartsIntoTheLanguageModelsOwnTemplate) {
  const TempFolder folder;
  const auto language = language_folder(folder);
  folder.write("language/chat_template.jinja",
               "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] | trim }}{% endfor %}");
  (void)write_graft(graft(language, kPicture), folder / "out");
  const text::ChatTemplate made = text::ChatTemplate::from_folder(folder / "out");
  using text::jinja::Value;
  const auto words = [](const char* text) { return Value::string(text); };
  text::ChatRequest request;
  request.messages = Value::list(
      {Value::dict({{"role", words("system")}, {"content", words(" brief ")}}),
       Value::dict({{"role", words("user")},
                    {"content", Value::list({Value::dict({{"type", words("image")}}),
                                             Value::dict({{"type", words("text")}, {"text", words("what?")}})})}})});
  EXPECT_EQ(made.render(request), "<system>brief<user><image>\nwhat?");
}

}  // namespace
}  // namespace cambium::model
