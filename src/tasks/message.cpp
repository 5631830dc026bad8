#include "tasks/message.h"

#include <algorithm>
#include <utility>

#include "text/chat_template.h"
#include "text/jinja_error.h"
#include "text/jinja_unicode.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;

bool begins_with_space(std::string_view text) {
  std::size_t position = 0;
  return !text.empty() && jinja::is_space(jinja::next_code_point(text, position));
}

std::string render(const text::ChatTemplate& chat, const std::string& name, const std::vector<Message>& messages,
                   bool add_generation_prompt) {
  text::ChatRequest request;
  std::vector<jinja::Value> turns;
  for (const Message& message : messages) {
    turns.push_back(jinja::Value::dict(
        {{"role", jinja::Value::string(message.role)}, {"content", jinja::Value::string(message.content)}}));
  }
  request.messages = jinja::Value::list(std::move(turns));
  request.add_generation_prompt = add_generation_prompt;
  if (!add_generation_prompt) request.continue_field = "content";
  return name.empty() ? chat.render(request) : chat.render(request, {}, name);
}

}  // namespace

ChatRenderer chat_renderer(const text::ChatTemplate& chat, std::string name) {
  return [&chat, name = std::move(name)](const std::vector<Message>& messages, bool add_generation_prompt) {
    try {
      return render(chat, name, messages, add_generation_prompt);
    } catch (const jinja::TemplateError&) {
      std::vector<Message> others;
      std::ranges::copy_if(messages, std::back_inserter(others), [](const Message& m) { return m.role != "system"; });
      if (others.size() == messages.size()) throw;
      return render(chat, name, others, add_generation_prompt);
    }
  };
}

std::string plain_text(const std::vector<Message>& messages) {
  std::string text;
  for (const Message& message : messages) text += message.content + message.delimiter;
  return text;
}

std::vector<Message> as_single_turn(std::vector<Message> messages) {
  std::vector<Message> result;
  if (messages.front().role == "system") {
    result.push_back(std::move(messages.front()));
    messages.erase(messages.begin());
  }
  std::vector<Message> answer;
  if (messages.back().role == "assistant") {
    answer.push_back(std::move(messages.back()));
    messages.pop_back();
  }
  if (!messages.empty()) messages.back().delimiter.clear();
  result.push_back({.role = "user", .content = plain_text(messages), .delimiter = {}});
  for (Message& message : answer) result.push_back(std::move(message));
  return result;
}

bool ends_with_space(std::string_view text) {
  return !text.empty() && jinja::strip(text, false, true).size() < text.size();
}

bool needs_delimiter(std::string_view first, std::string_view second) {
  return !first.empty() && !ends_with_space(first) && !begins_with_space(second);
}

std::string join_parts(std::string_view first, std::string_view second, std::string_view delimiter) {
  std::string joined(first);
  if (!first.empty() && !second.empty() && needs_delimiter(first, second)) joined += delimiter;
  joined += second;
  return joined;
}

}  // namespace cambium::tasks
