#include "text/chat_template_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tensor/error.h"
#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"

namespace cambium::text {
namespace {

using jinja::DictObject;
using jinja::Ref;
using jinja::Value;

// Appended to the final message; the blank shows whether the template keeps white space there.
constexpr std::string_view kTag = "CONTINUE_FINAL_MESSAGE_TAG ";

// Names a message's reasoning goes under; the first is the one that templates read.
constexpr std::array<std::string_view, 3> kReasoningFields{"reasoning_content", "thinking", "reasoning"};

bool is_reasoning(std::string_view field) {
  return std::ranges::find(kReasoningFields, field) != kReasoningFields.end();
}

Value prepared_message(const Value& message) {
  const auto kept = jinja::make<DictObject>();
  for (const auto& [key, value] : message.as_dict().entries()) {
    if (key.is_string() && !value.is_none()) kept->set(key.as_string(), value);
  }
  for (const std::string_view field : kReasoningFields) {
    const Value* reasoning = kept->find(field);
    if (reasoning == nullptr) continue;
    const Value shared = *reasoning;
    const auto aliased = jinja::make<DictObject>();
    aliased->set("thinking", shared);
    for (const auto& [key, value] : kept->entries()) aliased->set(key.as_string(), value);
    aliased->set("reasoning_content", shared);
    return Value(aliased);
  }
  return Value(kept);
}

void require_dicts(const Value& list, std::string_view name) {
  if (list.is_none()) return;
  const bool good =
      list.is_sequence() && std::ranges::all_of(list.items(), [](const Value& item) { return item.is_dict(); });
  if (!good) throw ValueError(fmt::format("'{}' must be a list of objects", name));
}

// A copy whose entry `key` is replaced.
Value with_entry(const Value& dict, std::string_view key, Value replacement) {
  const auto copy = jinja::make<DictObject>();
  for (const auto& [name, value] : dict.as_dict().entries()) {
    if (name.is_string()) copy->set(name.as_string(), value);
  }
  copy->set(key, std::move(replacement));
  return Value(copy);
}

}  // namespace

PreparedChat::PreparedChat(const ChatRequest& request, std::string_view source) {
  if (!request.messages.is_sequence()) {
    throw ValueError(fmt::format("'messages' must be a list, not {}", jinja::type_name(request.messages)));
  }
  require_dicts(request.messages, "messages");
  require_dicts(request.tools, "tools");
  require_dicts(request.documents, "documents");
  if (request.messages.items().empty()) throw ValueError("the conversation is empty: it needs at least one message");
  if (request.continue_field && request.add_generation_prompt) {
    throw ValueError(
        "continue_final_message and add_generation_prompt exclude each other: the first lets the model go on with "
        "the final message, the second begins a new one");
  }
  std::vector<Value> prepared;
  for (const Value& message : request.messages.items()) prepared.push_back(prepared_message(message));
  messages_ = Value::list(std::move(prepared));
  if (request.continue_field) mark_final_message(*request.continue_field, source);
}

void PreparedChat::mark_final_message(const std::string& field, std::string_view source) {
  Value& message = messages_.as_sequence().items.back();
  const Value* found = message.as_dict().find(field);
  if (found == nullptr) {
    throw ValueError(
        fmt::format("continue_final_message is set, but the final message has no \"{}\" to continue", field));
  }
  const Value content = *found;
  std::vector<std::string> fields{field};
  if (is_reasoning(field)) {
    fields.clear();
    for (const std::string_view name : kReasoningFields) {
      const Value* copy = message.as_dict().find(name);
      if (copy != nullptr && copy->is_string() && content.is_string() && copy->as_string() == content.as_string()) {
        fields.emplace_back(name);
      }
    }
  }
  const auto mentioned = [&](const std::string& name) { return source.find(name) != std::string_view::npos; };
  if (std::ranges::none_of(fields, mentioned)) {
    throw ValueError(
        fmt::format("continue_final_message is set to \"{}\", which the chat template never mentions", field));
  }
  continues_ = true;
  if (content.is_string()) {
    final_text_ = content.as_string();
    for (const std::string& name : fields) {
      message = with_entry(message, name, Value::string(final_text_ + std::string(kTag)));
    }
    return;
  }
  if (!content.is_sequence()) {
    throw ValueError(fmt::format("continue_final_message needs a text to continue, not {}", jinja::type_name(content)));
  }
  std::vector<Value> blocks = content.items();
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
    const Value* text = block->is_dict() ? block->as_dict().find("text") : nullptr;
    if (text == nullptr) continue;
    if (!text->is_string()) throw ValueError("continue_final_message: the final message's last text is not a string");
    final_text_ = text->as_string();
    *block = with_entry(*block, "text", Value::string(final_text_ + std::string(kTag)));
    message = with_entry(message, field, Value::list(std::move(blocks)));
    return;
  }
  throw ValueError("continue_final_message is set, but the final message has no text to continue");
}

void PreparedChat::cut(std::string& text) const {
  if (!continues_) return;
  const std::string_view tag = jinja::strip(kTag);
  const std::size_t at = text.rfind(tag);
  if (at == std::string::npos || text.find(jinja::strip(final_text_)) == std::string::npos) {
    throw ValueError(
        fmt::format("continue_final_message is set, but the chat template does not write the final message as it is: "
                    "'{}'",
                    jinja::strip(final_text_)));
  }
  const bool keeps_blanks = text.compare(at, kTag.size(), kTag) == 0;
  text.resize(at);
  if (!keeps_blanks) text.resize(jinja::strip(text, false, true).size());
}

}  // namespace cambium::text
