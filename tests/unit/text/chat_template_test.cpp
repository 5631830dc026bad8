#include "text/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "support/temp_folder.h"
#include "tensor/error.h"
#include "text/jinja_error.h"
#include "text/jinja_json.h"
#include "text/jinja_operators.h"

namespace cambium::text {
namespace {

namespace fs = std::filesystem;
using jinja::Value;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::ThrowsMessage;

const fs::path kGolden = fs::path(CAMBIUM_SOURCE_DIR) / "tests/golden/chat_templates";

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Value entry(const Value& object, std::string_view key) {
  const Value* found = object.as_dict().find(key);
  return found == nullptr ? Value() : *found;
}

ChatRequest request_of(const Value& chat, const Value& row) {
  ChatRequest request;
  request.messages = entry(chat, "messages");
  request.tools = entry(chat, "tools");
  request.documents = entry(chat, "documents");
  request.add_generation_prompt = jinja::truthy(entry(row, "add_generation_prompt"));
  if (jinja::truthy(entry(row, "continue_final_message"))) request.continue_field = "content";
  const Value more = entry(chat, "kwargs");
  if (more.is_dict()) {
    for (const auto& [key, value] : more.as_dict().entries()) request.variables.emplace_back(key.as_string(), value);
  }
  return request;
}

void expect_row(const ChatTemplate& chat, const ChatRequest& request, const Value& row, jinja::DateTime now) {
  const std::string where = entry(row, "template").as_string() + " " + entry(row, "case").as_string();
  const Value expected = entry(row, "rendered");
  try {
    const jinja::Rendering rendering = chat.render_tracked(request, now);
    ASSERT_TRUE(expected.is_string()) << where << " should fail: " << entry(row, "error").as_string();
    EXPECT_EQ(rendering.text, expected.as_string()) << where;
    const Value generated = entry(row, "generated");
    if (generated.is_none()) return;
    ASSERT_EQ(generated.items().size(), rendering.generated.size()) << where;
    for (std::size_t i = 0; i < rendering.generated.size(); ++i) {
      const auto& span = generated.items()[i].items();
      EXPECT_THAT(rendering.generated[i], Pair(span[0].as_int(), span[1].as_int())) << where;
    }
  } catch (const Error& error) {
    ASSERT_FALSE(expected.is_string()) << where << " fails: " << error.what();
    const Value message = entry(row, "message");
    if (entry(row, "error").as_string() == "TemplateError") {
      EXPECT_THAT(error.what(), HasSubstr(message.as_string())) << where;
    }
  }
}

TEST(ChatTemplate, RendersEveryModelsTemplateAsTransformersDoes) {
  const Value conversations = jinja::from_json(read(kGolden / "conversations.json"), "conversations.json");
  const jinja::DateTime now = *jinja::DateTime::parse(entry(conversations, "now").as_string());
  std::ifstream rows(kGolden / "golden.jsonl");
  std::size_t count = 0;
  for (std::string line; std::getline(rows, line); ++count) {
    const Value row = jinja::from_json(line, "golden.jsonl");
    const std::string name = entry(row, "template").as_string();
    std::vector<std::pair<std::string, std::string>> tokens;
    for (const char* token : {"bos_token", "eos_token"}) {
      if (entry(row, token).is_string()) tokens.emplace_back(token, entry(row, token).as_string());
    }
    const auto chat = ChatTemplate::from_text(read(kGolden / "templates" / (name + ".jinja")), name, tokens);
    expect_row(chat, request_of(entry(entry(conversations, "cases"), entry(row, "case").as_string()), row), row, now);
  }
  EXPECT_EQ(count, 1234U);
}

TEST(ChatTemplate, RendersThinkingToolsDocumentsAndGenerationMarksAsTransformersDoes) {
  const Value first = jinja::from_json(read(kGolden / "conversations.json"), "conversations.json");
  const Value second = jinja::from_json(read(kGolden / "more_conversations.json"), "more_conversations.json");
  const jinja::DateTime now = *jinja::DateTime::parse(entry(second, "now").as_string());
  std::ifstream rows(kGolden / "more.jsonl");
  std::size_t count = 0;
  for (std::string line; std::getline(rows, line); ++count) {
    const Value row = jinja::from_json(line, "more.jsonl");
    const auto chat = ChatTemplate::from_text(read(kGolden / "more" / entry(row, "template").as_string()), "more",
                                              {{"bos_token", "<s>"}, {"eos_token", "</s>"}});
    const std::string& name = entry(row, "case").as_string();
    Value conversation = entry(entry(first, "cases"), name);
    if (conversation.is_none()) conversation = entry(entry(second, "cases"), name);
    expect_row(chat, request_of(conversation, row), row, now);
  }
  EXPECT_GT(count, 400U);
}

ChatRequest hello() {
  ChatRequest request;
  request.messages = Value::list({Value::dict({{"role", Value::string("user")}, {"content", Value::string("Hello")}})});
  return request;
}

// Where a folder keeps its templates, and which one counts.
class ChatTemplateFolderTest : public testing::Test {
 protected:
  void write(std::string_view name, std::string_view text) const { static_cast<void>(folder_.write(name, text)); }
  [[nodiscard]] std::string rendered(const ChatRequest& request = hello()) const {
    return ChatTemplate::from_folder(folder_.path()).render(request);
  }
  testing_support::TempFolder folder_;
};

TEST_F(ChatTemplateFolderTest, TakesTheTemplateAndTokensOfTokenizerConfig) {
  write("tokenizer_config.json",
        R"({"chat_template": "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}{{ unk_token }}",
                                     "bos_token": "<s>", "eos_token": {"__type": "AddedToken", "content": "</s>"}, "unk_token": null})");
  EXPECT_EQ(rendered(), "<s>Hello</s>");
}

TEST_F(ChatTemplateFolderTest, ReadsTokensOfTheOlderFileToo) {
  write("tokenizer_config.json", R"({"chat_template": "{{ bos_token }}|{{ image_token }}", "image_token": "<image>"})");
  write("special_tokens_map.json", R"({"bos_token": {"content": "<old>"}})");
  EXPECT_EQ(rendered(), "<old>|<image>");
}

TEST_F(ChatTemplateFolderTest, PrefersTemplateFilesToTheConfig) {
  write("tokenizer_config.json", R"({"chat_template": "config"})");
  EXPECT_EQ(rendered(), "config");
  write("chat_template.json", R"({"chat_template": "processor"})");
  EXPECT_EQ(rendered(), "processor");
  write("chat_template.jinja", "file\n");
  EXPECT_EQ(rendered(), "file");
}

TEST_F(ChatTemplateFolderTest, ChoosesAmongNamedTemplates) {
  write(
      "tokenizer_config.json",
      R"({"chat_template": [{"name": "default", "template": "plain"}, {"name": "tool_use", "template": "tools"}, {"name": "rag", "template": "rag"}]})");
  const ChatTemplate chat = ChatTemplate::from_folder(folder_.path());
  EXPECT_THAT(chat.names(), ElementsAre("default", "tool_use", "rag"));
  ChatRequest with_tools = hello();
  with_tools.tools = Value::list({Value::dict()});
  EXPECT_EQ(chat.render(hello()), "plain");
  EXPECT_EQ(chat.render(with_tools), "tools");
  EXPECT_EQ(chat.render(with_tools, {}, "rag"), "rag");
  EXPECT_THAT([&] { static_cast<void>(chat.render(hello(), {}, "rage")); },
              ThrowsMessage<ValueError>(testing::AllOf(HasSubstr("'rage'"), HasSubstr("default, tool_use, rag"))));
}

TEST_F(ChatTemplateFolderTest, ReadsAdditionalTemplatesBesideTheFile) {
  write("chat_template.jinja", "plain");
  write("additional_chat_templates/tool_use.jinja", "tools");
  const ChatTemplate chat = ChatTemplate::from_folder(folder_.path());
  EXPECT_THAT(chat.names(), ElementsAre("default", "tool_use"));
}

TEST_F(ChatTemplateFolderTest, ABrokenTemplateFailsOnlyWhenItIsUsed) {
  write("chat_template.jinja", "plain");
  write("additional_chat_templates/rag.jinja", "{% if %}");
  const ChatTemplate chat = ChatTemplate::from_folder(folder_.path());
  EXPECT_EQ(chat.render(hello()), "plain");
  EXPECT_THAT([&] { static_cast<void>(chat.render(hello(), {}, "rag")); },
              ThrowsMessage<jinja::TemplateError>(HasSubstr("rag.jinja:1:")));
}

TEST_F(ChatTemplateFolderTest, SaysWhereItLookedWhenThereIsNone) {
  EXPECT_FALSE(ChatTemplate::exists_in(folder_.path()));
  EXPECT_THAT([&] { static_cast<void>(ChatTemplate::from_folder(folder_.path())); },
              ThrowsMessage<CheckpointError>(
                  testing::AllOf(HasSubstr("chat_template.jinja"), HasSubstr("tokenizer_config.json"))));
  write("tokenizer_config.json", R"({"chat_template": 5})");
  EXPECT_THROW(static_cast<void>(ChatTemplate::from_folder(folder_.path())), CheckpointError);
  write("tokenizer_config.json", "{");
  EXPECT_THROW(static_cast<void>(ChatTemplate::from_folder(folder_.path())), CheckpointError);
}

TEST(ChatTemplate, RefusesRequestsThatMakeNoSense) {
  const auto chat = ChatTemplate::from_text("{{ messages[0].content }}", "t");
  ChatRequest request = hello();
  request.continue_field = "content";
  request.add_generation_prompt = true;
  EXPECT_THROW(static_cast<void>(chat.render(request)), ValueError);
  request = hello();
  request.messages = Value::list({});
  EXPECT_THROW(static_cast<void>(chat.render(request)), ValueError);
  request.messages = Value::list({Value::string("Hello")});
  EXPECT_THROW(static_cast<void>(chat.render(request)), ValueError);
  request = hello();
  request.continue_field = "reply";
  EXPECT_THROW(static_cast<void>(chat.render(request)), ValueError);
  request = hello();
  request.variables.emplace_back("tools", Value());
  EXPECT_THROW(static_cast<void>(chat.render(request)), ValueError);
}

TEST(ChatTemplate, ContinuesReasoningUnderWhicheverNameTheTemplateReads) {
  const auto chat =
      ChatTemplate::from_text("<think>{{ messages[-1].thinking }}</think>{{ messages[-1].content }}", "t");
  ChatRequest request;
  request.messages = Value::list({Value::dict({{"role", Value::string("assistant")},
                                               {"reasoning", Value::string("because ")},
                                               {"content", Value::string("x")}})});
  request.continue_field = "reasoning";
  EXPECT_EQ(chat.render(request), "<think>because ");
}

}  // namespace
}  // namespace cambium::text
