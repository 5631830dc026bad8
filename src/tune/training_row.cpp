#include "tune/training_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "checkpoint/json.h"
#include "tensor/error.h"
#include "text/base64.h"

namespace cambium::tune {

namespace {

using checkpoint::Json;
using model::Modality;

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw RecipeError(fmt::format("{}: {}", where, what));
}

const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_member(const Json& object, const char* key, const std::string& where) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_string()) refuse(where, fmt::format("'{}' is missing or no text", key));
  return value->get<std::string>();
}

std::string detect(const Json& row, const std::string& where) {
  if (row.is_string() || member(row, "text") != nullptr) return "text";
  if (member(row, "conversations") != nullptr) return "llava";
  if (member(row, "messages") != nullptr) return "messages";
  if (member(row, "instruction") != nullptr) return "alpaca";
  refuse(where,
         "the row is of no known form; expected 'conversations' (LLaVA, ShareGPT), 'messages' (OpenAI), "
         "'instruction' and 'output' (Alpaca) or 'text'");
}

model::MediaItem media_file(Modality modality, const std::string& name, const std::filesystem::path& folder,
                            const std::string& where) {
  model::MediaItem item;
  item.modality = modality;
  const std::filesystem::path given(name.starts_with("file://") ? name.substr(7) : name);
  item.file = given.is_absolute() ? given : folder / given;
  if (!std::filesystem::exists(item.file)) {
    refuse(where,
           fmt::format("the {} {} does not exist; `media` of the source is the folder that relative names are in",
                       model::names_of(modality).item, item.file.string()));
  }
  return item;
}

std::string role_from(const std::string& from, const std::string& where) {
  if (from == "human" || from == "user") return "user";
  if (from == "gpt" || from == "assistant" || from == "chatgpt" || from == "bing" || from == "bard") return "assistant";
  if (from == "system") return "system";
  if (from == "tool" || from == "function" || from == "observation") return "tool";
  refuse(where, fmt::format("unknown speaker '{}'; known are human, gpt, user, assistant, system, tool", from));
}

// Words for media at the beginning of a message become its items (LLaVA's rows put "<image>\n" there); in the middle
// they stay where they are.
void split_media_words(model::ChatMessage& message) {
  bool found = true;
  while (found) {
    found = false;
    for (const Modality modality : model::kModalities) {
      const std::string_view word = model::names_of(modality).placeholder;
      if (!message.text.starts_with(word)) continue;
      message.media.push_back(modality);
      message.text.erase(0, word.size());
      if (message.text.starts_with("\n")) message.text.erase(0, 1);
      found = true;
    }
  }
  // LLaVA also writes the word behind the question.
  for (const Modality modality : model::kModalities) {
    const std::string tail = "\n" + std::string(model::names_of(modality).placeholder);
    if (message.media.empty() && message.text.ends_with(tail) &&
        message.text.find(model::names_of(modality).placeholder) == message.text.size() - tail.size() + 1) {
      message.media.push_back(modality);
      message.text.resize(message.text.size() - tail.size());
    }
  }
}

std::size_t mentions(const TrainingRow& row, Modality modality) {
  std::size_t count = 0;
  const std::string_view word = model::names_of(modality).placeholder;
  for (const model::ChatMessage& message : row.messages) {
    for (const Modality each : message.media) count += each == modality ? 1 : 0;
    for (std::size_t at = message.text.find(word); at != std::string::npos; at = message.text.find(word, at + 1))
      ++count;
  }
  return count;
}

void add_media(const Json& json, const std::filesystem::path& folder, const std::string& where, TrainingRow& row) {
  for (const Modality modality : model::kModalities) {
    const std::string name(model::names_of(modality).name);
    std::vector<model::MediaItem> items;
    for (const std::string& key : {name, name + "s"}) {
      const Json* value = member(json, key.c_str());
      if (value == nullptr) continue;
      const Json list = value->is_array() ? *value : Json::array({*value});
      for (const Json& each : list) {
        if (!each.is_string()) refuse(where, fmt::format("'{}' is no file name or list of them", key));
        items.push_back(media_file(modality, each.get<std::string>(), folder, where));
      }
    }
    const std::size_t said = mentions(row, modality);
    if (said == 0 && !items.empty()) {
      for (model::ChatMessage& message : row.messages) {
        if (message.role != "user") continue;
        message.media.insert(message.media.begin(), items.size(), modality);
        break;
      }
    } else if (said != items.size()) {
      refuse(where, fmt::format("the messages mention {} {}s ({}), but the row names {}", said,
                                model::names_of(modality).item, model::names_of(modality).placeholder, items.size()));
    }
    for (model::MediaItem& item : items) row.media.push_back(std::move(item));
  }
}

void read_conversations(const Json& json, const std::filesystem::path& folder, const std::string& where,
                        TrainingRow& row) {
  const Json* turns = member(json, "conversations");
  if (turns == nullptr || !turns->is_array()) refuse(where, "'conversations' is missing or no list");
  if (const Json* system = member(json, "system"); system != nullptr && system->is_string() && !system->empty()) {
    if (!system->get<std::string>().empty()) row.messages.push_back({"system", system->get<std::string>(), {}});
  }
  for (const Json& turn : *turns) {
    const bool named = member(turn, "from") != nullptr;
    model::ChatMessage message;
    message.role = role_from(text_member(turn, named ? "from" : "role", where), where);
    message.text = text_member(turn, member(turn, "value") != nullptr ? "value" : "content", where);
    if (message.role == "user") split_media_words(message);
    row.messages.push_back(std::move(message));
  }
  add_media(json, folder, where, row);
}

// A content part's picture, clip or sound: a file name, a data URL, or an object that holds one.
model::MediaItem media_part(Modality modality, const Json& part, const char* key, const std::filesystem::path& folder,
                            const std::string& where) {
  const Json* value = member(part, key);
  for (const char* other : {"image", "video", "audio", "url", "path"}) {
    if (value == nullptr) value = member(part, other);
  }
  if (value != nullptr && value->is_object()) {
    const Json* inner = member(*value, "url");
    for (const char* other : {"path", "data"}) {
      if (inner == nullptr) inner = member(*value, other);
    }
    value = inner;
  }
  if (value == nullptr || !value->is_string()) refuse(where, fmt::format("a part of type '{}' names no file", key));
  const auto& name = value->get_ref<const std::string&>();
  if (!name.starts_with("data:")) return media_file(modality, name, folder, where);
  model::MediaItem item;
  item.modality = modality;
  item.where = where;
  const std::size_t comma = name.find(',');
  const auto bytes =
      comma == std::string::npos ? std::nullopt : text::from_base64(std::string_view(name).substr(comma + 1));
  if (!bytes.has_value()) refuse(where, "a data URL is not base64");
  item.bytes = *bytes;
  return item;
}

void read_messages(const Json& json, const std::filesystem::path& folder, const std::string& where, TrainingRow& row) {
  const Json* turns = member(json, "messages");
  if (turns == nullptr || !turns->is_array()) refuse(where, "'messages' is missing or no list");
  for (const Json& turn : *turns) {
    model::ChatMessage message;
    message.role = role_from(text_member(turn, "role", where), where);
    const Json* content = member(turn, "content");
    if (content == nullptr) refuse(where, "a message has no 'content'");
    if (content->is_string()) {
      message.text = content->get<std::string>();
      if (message.role == "user") split_media_words(message);
      row.messages.push_back(std::move(message));
      continue;
    }
    if (!content->is_array()) refuse(where, "'content' is neither a text nor a list of parts");
    for (const Json& part : *content) {
      const std::string type = text_member(part, "type", where);
      if (type == "text") {
        message.text += text_member(part, "text", where);
        continue;
      }
      static constexpr std::array<std::pair<std::string_view, Modality>, 6> kTypes{{{"image", Modality::kImage},
                                                                                    {"image_url", Modality::kImage},
                                                                                    {"video", Modality::kVideo},
                                                                                    {"video_url", Modality::kVideo},
                                                                                    {"audio", Modality::kAudio},
                                                                                    {"input_audio", Modality::kAudio}}};
      const auto* known = std::ranges::find(kTypes, type, &std::pair<std::string_view, Modality>::first);
      if (known == kTypes.end()) refuse(where, fmt::format("unknown part type '{}'", type));
      const Json* named = member(part, type.c_str());
      // A part without a file stands for the row's next one.
      if (named != nullptr || member(part, "url") != nullptr || member(part, "path") != nullptr) {
        row.media.push_back(media_part(known->second, part, type.c_str(), folder, where));
      }
      if (message.text.empty()) {
        message.media.push_back(known->second);
      } else {
        message.text += model::names_of(known->second).placeholder;
      }
    }
    row.messages.push_back(std::move(message));
  }
  if (row.media.empty()) add_media(json, folder, where, row);
}

void read_alpaca(const Json& json, const std::string& where, TrainingRow& row) {
  std::string question = text_member(json, "instruction", where);
  if (const Json* input = member(json, "input");
      input != nullptr && input->is_string() && !input->get<std::string>().empty()) {
    question += "\n\n" + input->get<std::string>();
  }
  row.messages.push_back({"user", std::move(question), {}});
  row.messages.push_back({"assistant", text_member(json, "output", where), {}});
}

}  // namespace

TrainingRow read_row(std::string_view text, const std::string& where, const std::string& format,
                     const std::filesystem::path& media) {
  Json json;
  try {
    json = checkpoint::parse_json(text, where);
  } catch (const CheckpointError& error) {
    throw RecipeError(error.what());
  }
  TrainingRow row;
  const std::string form = format == "auto" ? detect(json, where) : format;
  if (form == "text") {
    row.is_text = true;
    row.text = json.is_string() ? json.get<std::string>() : text_member(json, "text", where);
    if (row.text.empty()) refuse(where, "the text is empty");
    return row;
  }
  if (!json.is_object()) refuse(where, "the row is no JSON object");
  if (form == "alpaca") {
    read_alpaca(json, where, row);
  } else if (form == "messages") {
    read_messages(json, media, where, row);
  } else {
    read_conversations(json, media, where, row);
  }
  for (const model::ChatMessage& message : row.messages) {
    if (message.role == "assistant") return row;
  }
  refuse(where, "the conversation has no message of the assistant: there is nothing to learn");
}

}  // namespace cambium::tune
