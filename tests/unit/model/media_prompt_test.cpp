#include "model/media/media_prompt.h"

#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "model/chat_prompt.h"
#include "model/engine/engine_setup.h"
#include "model/tensor_file.h"
#include "tensor/error.h"

namespace cambium::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(CAMBIUM_SOURCE_DIR) / "tests/golden/models" / name;
}

MediaItem picture(const char* name) { return {Modality::kImage, golden(name), {}, {}}; }

class MediaPrompt : public testing::Test {
 protected:
  MediaPrompt() : model_(setup()), tokenizer_(text::Tokenizer::from_folder(model_.folder())) {}
  static EngineSetup setup() {
    EngineSetup out;
    out.model = golden("llava_15-pre452").string();
    out.dtype = "float32";
    out.threads = 2;
    out.cache_gib = 0.01;
    return out;
  }
  MediaEncoder encoder() { return MediaEncoder(model_.media(), tokenizer_, model_.folder()); }

  RunningModel model_;
  text::Tokenizer tokenizer_;
};

// Reference: transformers 5.23, tests/golden/models/make_llava.py.
TEST_F(MediaPrompt, IsExpandedEncodedAndContinuedAsInTransformers) {
  const TensorMap want = read_tensor_file(golden("llava_15.image.safetensors"));
  MediaEncoder make = encoder();
  GenerateRequest request;
  const MediaItem item = picture("llava_15.a.png");
  request.prompt = make.prompt("USER: <image>\nWhat is it? ASSISTANT:", {&item, 1});
  request.max_new_tokens = 12;
  const at::Tensor ids = want.at("input_ids").view(-1);
  ASSERT_EQ(static_cast<std::int64_t>(request.prompt.ids.size()), ids.numel());
  for (std::int64_t i = 0; i < ids.numel(); ++i)
    EXPECT_EQ(request.prompt.ids[static_cast<std::size_t>(i)], ids[i].item<std::int64_t>());
  ASSERT_EQ(request.prompt.embeddings.size(), 1U);
  const at::Tensor features = want.at("image_features").reshape(-1);
  const std::vector<float>& rows = *request.prompt.embeddings[0].values;
  ASSERT_EQ(static_cast<std::int64_t>(rows.size()), features.numel());
  for (std::size_t i = 0; i < rows.size(); ++i)
    ASSERT_NEAR(rows[i], features[static_cast<std::int64_t>(i)].item<float>(), 1e-4);
  const Generation made = model_.engine().generate({&request, 1}).at(0);
  const at::Tensor generated = want.at("generated_ids").view(-1);
  for (std::size_t i = 0; i < made.ids.size(); ++i)
    EXPECT_EQ(made.ids[i], generated[static_cast<std::int64_t>(i)].item<std::int64_t>());
}

TEST_F(MediaPrompt, EncodesAPictureOnceAndSharesItsPrefix) {
  MediaEncoder make = encoder();
  const MediaItem item = picture("llava_15.a.png");
  std::ifstream in(item.file, std::ios::binary);
  const MediaItem same{Modality::kImage, {}, std::string(std::istreambuf_iterator<char>(in), {}), "bytes"};
  std::vector<GenerateRequest> requests(2);
  requests[0].prompt = make.prompt("USER: <image>\nWhat is it? ASSISTANT:", {&item, 1});
  requests[1].prompt = make.prompt("USER: <image>\nWhere is it? ASSISTANT:", {&same, 1});
  EXPECT_EQ(make.encoded(), 1U);
  EXPECT_EQ(requests[0].prompt.embeddings[0].values, requests[1].prompt.embeddings[0].values);
  for (GenerateRequest& request : requests) request.max_new_tokens = 1;
  (void)model_.engine().generate(requests);
  const EngineStatistics& statistics = model_.engine().statistics();
  EXPECT_LT(statistics.computed_tokens + 16, statistics.prompt_tokens);

  const MediaItem other = picture("llava_15.b.png");
  const Prompt different = make.prompt("USER: <image>\nWhat is it? ASSISTANT:", {&other, 1});
  EXPECT_EQ(make.encoded(), 2U);
  EXPECT_NE(different.embeddings[0].identity, requests[0].prompt.embeddings[0].identity);
  make.forget();
  (void)make.prompt("<image>", {&item, 1});
  EXPECT_EQ(make.encoded(), 3U);
}

TEST_F(MediaPrompt, TellsBothNumbersWhenPlaceholdersAndPicturesDiffer) {
  MediaEncoder make = encoder();
  const MediaItem item = picture("llava_15.a.png");
  const auto message = [&](const char* text, std::span<const MediaItem> items) {
    try {
      (void)make.prompt(text, items);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(message("<image> and <image>", {&item, 1}), testing::AllOf(HasSubstr("2 placeholders"), HasSubstr("1 ")));
  EXPECT_THAT(message("none", {&item, 1}), HasSubstr("0 placeholders"));
  const MediaItem sound{Modality::kAudio, "a.wav", {}, {}};
  EXPECT_THAT(message("none", {&sound, 1}), HasSubstr("takes no sounds"));
}

// Worked out by the LLaVA repository's rule: text is cut at "<image>", each piece tokenized by itself.
TEST_F(MediaPrompt, CutsTheTextWhereTheTokenizerLacksThePlaceholder) {
  std::vector<MediaTower> towers;
  MediaTowerConfig config = model_.media().all()[0].config();
  config.vision.image_token = -200;
  towers.emplace_back(config, VisionWeights{});
  const text::Tokenizer words = text::Tokenizer::from_json(
      R"({"model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1, "?": 2}, "unk_token": "?"},
          "pre_tokenizer": {"type": "Whitespace"}, "added_tokens": []})",
      "words");
  const Placeholders placeholders(MediaTowers(std::move(towers)), words);
  const MediaTokens tokens = placeholders.expand(words, "b <image> a", true);
  EXPECT_EQ(tokens.ids.size(), 18U);
  EXPECT_EQ(tokens.ids.front(), 1);
  EXPECT_EQ(tokens.ids.back(), 0);
  ASSERT_EQ(tokens.places.size(), 1U);
  EXPECT_EQ(tokens.places[0].position, 1U);
  EXPECT_EQ(tokens.places[0].count, 16U);
}

TEST_F(MediaPrompt, PutsPicturesInFrontOfATextWithoutPlaceholders) {
  const Placeholders placeholders(model_.media(), tokenizer_);
  const std::vector<MediaItem> items{picture("a"), picture("b")};
  EXPECT_EQ(with_placeholders("What?", items, placeholders), "<image>\n<image>\nWhat?");
  EXPECT_EQ(with_placeholders("<image> or <image>?", items, placeholders), "<image> or <image>?");
}

TEST_F(MediaPrompt, FollowsTheTemplateInBothFormsOfContent) {
  const Placeholders placeholders(model_.media(), tokenizer_);
  const std::vector<ChatMessage> with_picture{{"user", "What?", {Modality::kImage}}};
  const std::vector<ChatMessage> without{{"user", "What?", {}}};
  // LLaVA's template takes parts only; the other one texts only.
  const text::ChatTemplate parts = text::ChatTemplate::from_folder(model_.folder());
  EXPECT_EQ(render_chat(parts, with_picture, placeholders), "USER: <image>\nWhat? ASSISTANT:");
  EXPECT_EQ(render_chat(parts, without, placeholders), "USER: What? ASSISTANT:");
  const text::ChatTemplate texts = text::ChatTemplate::from_text(
      "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] + '' }}{% endfor %}", "texts");
  EXPECT_EQ(render_chat(texts, with_picture, placeholders), "[user] <image>\nWhat?");
  EXPECT_EQ(render_chat(texts, without, placeholders), "[user] What?");
  const text::ChatTemplate neither = text::ChatTemplate::from_text("{{ messages | length }}", "neither");
  EXPECT_THROW((void)render_chat(neither, without, placeholders), ValueError);
}

}  // namespace
}  // namespace cambium::model
