#include "model/chat_prompt.h"

#include <fmt/format.h>

#include <exception>
#include <optional>

#include "tensor/error.h"

namespace cambium::model {
namespace {

using text::jinja::Value;

Value words(std::string_view value) { return Value::string(std::string(value)); }

Value as_parts(const ChatMessage& message) {
  std::vector<Value> parts;
  for (const Modality modality : message.media)
    parts.push_back(Value::dict({{"type", words(names_of(modality).name)}}));
  parts.push_back(Value::dict({{"type", words("text")}, {"text", words(message.text)}}));
  return Value::list(std::move(parts));
}

Value as_text(const ChatMessage& message, const Placeholders& placeholders) {
  std::string text;
  for (const Modality modality : message.media) text += placeholders.word(modality) + "\n";
  return words(text + message.text);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kWhite = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

// Templates may leave out what earlier assistants thought, so only the users' texts are looked for.
bool understood(const std::string& rendering, std::span<const ChatMessage> messages, const Placeholders& placeholders) {
  std::vector<std::size_t> items(kModalities.size(), 0);
  for (const ChatMessage& message : messages) {
    if (message.role == "user" && rendering.find(trimmed(message.text)) == std::string::npos) return false;
    for (const Modality modality : kModalities) {
      std::size_t& count = items[static_cast<std::size_t>(modality)];
      count += placeholders.count(message.text, modality);
      for (const Modality item : message.media) count += item == modality ? 1 : 0;
    }
  }
  for (const Modality modality : kModalities) {
    if (placeholders.count(rendering, modality) != items[static_cast<std::size_t>(modality)]) return false;
  }
  return true;
}

}  // namespace

std::string render_chat(const text::ChatTemplate& chat_template, std::span<const ChatMessage> messages,
                        const Placeholders& placeholders, bool add_generation_prompt) {
  bool with_media = false;
  for (const ChatMessage& message : messages) with_media = with_media || !message.media.empty();
  std::exception_ptr first_failure;
  for (const bool parts : {with_media, !with_media}) {
    std::vector<Value> list;
    for (const ChatMessage& message : messages) {
      list.push_back(Value::dict(
          {{"role", words(message.role)}, {"content", parts ? as_parts(message) : as_text(message, placeholders)}}));
    }
    text::ChatRequest request;
    request.messages = Value::list(std::move(list));
    request.add_generation_prompt = add_generation_prompt;
    try {
      std::string rendering = chat_template.render(request);
      if (understood(rendering, messages, placeholders)) return rendering;
    } catch (const Error&) {
      if (!first_failure) first_failure = std::current_exception();
    }
  }
  if (first_failure) std::rethrow_exception(first_failure);
  throw ValueError(
      "the model's chat template writes neither messages that are texts nor messages that are lists of parts with all "
      "their content; give the whole prompt as text instead");
}

std::string with_placeholders(std::string_view text, std::span<const MediaItem> items,
                              const Placeholders& placeholders) {
  std::string front;
  for (const MediaItem& item : items) {
    if (placeholders.count(text, item.modality) == 0) front += placeholders.word(item.modality) + "\n";
  }
  return front + std::string(text);
}

}  // namespace cambium::model
