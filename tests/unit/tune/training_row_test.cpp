#include "tune/training_row.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_folder.h"
#include "tensor/error.h"
#include "tune/event_file.h"
#include "tune/labelled_tokens.h"
#include "tune/sample_stream.h"

namespace cambium::tune {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_support::TempFolder;

TrainingRow row_of(const std::string& json, const std::filesystem::path& media = ".") {
  return read_row(json, "rows.jsonl: row 1", "auto", media);
}

TEST(TrainingRow, ReadsLlavaWithThePictureInFrontOfTheQuestion) {
  const TempFolder folder;
  folder.write("cat.png", "x");
  const TrainingRow row = row_of(R"({"image": "cat.png", "conversations": [{"from": "human", "value": "<image>\nWhat?"},
      {"from": "gpt", "value": "A cat."}]})",
                                 folder.path());
  ASSERT_EQ(row.messages.size(), 2U);
  EXPECT_EQ(row.messages[0].text, "What?");
  EXPECT_THAT(row.messages[0].media, ElementsAre(model::Modality::kImage));
  EXPECT_EQ(row.media.at(0).file, folder.path() / "cat.png");
}

TEST(TrainingRow, ReadsMessagesWithContentParts) {
  const TempFolder folder;
  folder.write("a.wav", "x");
  const TrainingRow row = row_of(R"({"messages": [{"role": "user", "content": [{"type": "audio", "audio": "a.wav"},
      {"type": "text", "text": "Say it."}]}, {"role": "assistant", "content": "Five."}]})",
                                 folder.path());
  EXPECT_THAT(row.messages[0].media, ElementsAre(model::Modality::kAudio));
  EXPECT_EQ(row.media.at(0).modality, model::Modality::kAudio);
}

TEST(TrainingRow, JoinsAlpacasInstructionAndInput) {
  EXPECT_EQ(row_of(R"({"instruction": "Add.", "input": "1 2", "output": "3"})").messages[0].text, "Add.\n\n1 2");
}

TEST(TrainingRow, RefusesAMissingPictureAndARowOfNoKnownForm) {
  EXPECT_THAT(
      [] {
        (void)row_of(R"({"image": "no.png", "conversations": [{"from": "human", "value": "?"},
                                   {"from": "gpt", "value": "!"}]})");
      },
      ThrowsMessage<RecipeError>(HasSubstr("no.png does not exist")));
  EXPECT_THAT([] { (void)row_of(R"({"prompt": "?"})"); }, ThrowsMessage<RecipeError>(HasSubstr("no known form")));
  EXPECT_THAT([] { (void)row_of(R"({"conversations": [{"from": "human", "value": "?"}]})"); },
              ThrowsMessage<RecipeError>(HasSubstr("nothing to learn")));
}

TEST(RowFiles, FindsTheRowsOfListsAndOfLines) {
  const TempFolder folder;
  folder.write("list.json", "[ {\"a\": \"},]\\\"\"},\n [1, 2] , \"x\"]\n");
  folder.write("lines.jsonl", "{\"a\": 1}\n\n  {\"b\": 2}");
  const RowFiles rows({(folder.path() / "*.json*").string()}, "s");
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows.row(1), "{\"b\": 2}");
  EXPECT_EQ(rows.row(2), "{\"a\": \"},]\\\"\"}");
  EXPECT_EQ(rows.row(4), "\"x\"");
  folder.write("cut.json", "[{\"a\": 1}, {");
  EXPECT_THROW(RowFiles({(folder.path() / "cut.json").string()}, "s"), CheckpointError);
}

TEST(ShuffledIndex, IsAPermutationThatDependsOnTheSeed) {
  for (const std::uint64_t n : {1ULL, 2ULL, 7ULL, 64ULL, 1000ULL}) {
    std::vector<bool> seen(n, false);
    std::size_t same = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t place = shuffled_index(i, n, 3);
      ASSERT_LT(place, n);
      EXPECT_FALSE(seen[place]);
      seen[place] = true;
      same += place == shuffled_index(i, n, 4) ? 1U : 0U;
    }
    if (n > 10) {
      EXPECT_LT(same, n / 4);
    }
  }
}

TEST(EventFile, ChecksumsAreThoseOfTheStandards) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(tf_record("").size(), 16U);
}

// The templates of the fixtures have no {% generation %} tags.
class Labels : public testing::Test {
 protected:
  static std::string learned(const std::string& template_text) {
    const TempFolder folder;
    const std::string model = CAMBIUM_SOURCE_DIR "/tests/golden/training/llama";
    folder.write("t.jinja", template_text);
    const model::MediaTowers none;
    const RowTokenizer rows(model, none, (folder.path() / "t.jinja").string());
    const RowTokenizer::Rendering rendering =
        rows.render({{"user", "one", {}}, {"assistant", "two", {}}, {"user", "three", {}}, {"assistant", "four", {}}});
    std::string out;
    for (const auto& [begin, end] : rendering.spans) out += "[" + rendering.text.substr(begin, end - begin) + "]";
    return out;
  }
};

TEST_F(Labels, ChatMlLearnsTheAnswerAndItsEndMark) {
  EXPECT_EQ(learned("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
                    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"),
            "[two<|im_end|>][four<|im_end|>]");
}

TEST_F(Labels, ATemplateWithoutGenerationPromptLearnsWhatTheTurnAdds) {
  EXPECT_EQ(learned("{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
                    "{% else %} {{ m.content }}</s>{% endif %}{% endfor %}"),
            "[ two</s>][ four</s>]");
}

TEST_F(Labels, OnlyTheLastTurnIsLearnedWhereTheTemplateDropsEarlierOnes) {
  EXPECT_EQ(learned("{% for m in messages %}{% if m.role == 'user' or loop.last %}{{ m.role }}: {{ m.content }};"
                    "{% endif %}{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"),
            "[four;]");
}

}  // namespace
}  // namespace cambium::tune
