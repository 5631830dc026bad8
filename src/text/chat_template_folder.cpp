// Where a model's folder keeps its chat templates and special tokens.
#include <fmt/format.h>

#include <algorithm>

#include "checkpoint/text_file.h"
#include "tensor/error.h"
#include "text/chat_template.h"
#include "text/jinja_json.h"

namespace cambium::text {
namespace {

namespace fs = std::filesystem;
using jinja::Value;

constexpr std::string_view kTemplateFile = "chat_template.jinja";
constexpr std::string_view kTemplateFolder = "additional_chat_templates";

// None if there is no such file.
Value read_object(const fs::path& file) {
  if (!fs::exists(file)) return {};
  Value read;
  try {
    read = jinja::from_json(checkpoint::read_text(file), file.string());
  } catch (const RecipeError& error) {
    throw CheckpointError(error.what());
  }
  if (!read.is_dict()) throw CheckpointError(fmt::format("{}: expected a JSON object", file.string()));
  return read;
}

const Value* entry(const Value& object, std::string_view key) {
  const Value* found = object.is_dict() ? object.as_dict().find(key) : nullptr;
  return found == nullptr || found->is_none() ? nullptr : found;
}

// A token is written as its text, or as an object that has it as "content".
const std::string* token_text(const Value& token) {
  if (token.is_string()) return &token.as_string();
  const Value* content = entry(token, "content");
  return content != nullptr && content->is_string() ? &content->as_string() : nullptr;
}

class TokenNames {
 public:
  void add_all(const Value& object) {
    if (!object.is_dict()) return;
    for (const auto& [key, token] : object.as_dict().entries()) {
      if (key.is_string() && key.as_string().ends_with("_token")) add(key.as_string(), token);
    }
    const Value* extra = entry(object, "extra_special_tokens");
    if (extra == nullptr || !extra->is_dict()) return;
    for (const auto& [key, token] : extra->as_dict().entries()) add(key.as_string(), token);
  }

  std::vector<std::pair<std::string, std::string>> take() { return std::move(tokens_); }

 private:
  void add(const std::string& name, const Value& token) {
    const std::string* text = token_text(token);
    if (text == nullptr) return;
    const auto same = std::ranges::find(tokens_, name, &std::pair<std::string, std::string>::first);
    if (same != tokens_.end()) {
      same->second = *text;
    } else {
      tokens_.emplace_back(name, *text);
    }
  }

  std::vector<std::pair<std::string, std::string>> tokens_;
};

}  // namespace

class ChatTemplateFolder {
 public:
  explicit ChatTemplateFolder(const fs::path& folder)
      : folder_(folder), tokenizer_(read_object(folder / "tokenizer_config.json")) {}

  ChatTemplate read() {
    ChatTemplate made;
    made.label_ = folder_.string();
    read_files(made);
    for (const char* file : {"chat_template.json", "processor_config.json", "tokenizer_config.json"}) {
      if (!made.templates_.empty()) break;
      const Value object = std::string_view(file) == "tokenizer_config.json" ? tokenizer_ : read_object(folder_ / file);
      if (const Value* found = entry(object, "chat_template")) add(made, *found, folder_ / file);
    }
    TokenNames tokens;
    tokens.add_all(tokenizer_);
    // The older file counts only where the newer one does not list its added tokens.
    if (entry(tokenizer_, "added_tokens_decoder") == nullptr)
      tokens.add_all(read_object(folder_ / "special_tokens_map.json"));
    made.special_tokens_ = tokens.take();
    return made;
  }

 private:
  void read_files(ChatTemplate& made) const {
    const fs::path file = folder_ / kTemplateFile;
    if (fs::exists(file)) made.add("default", checkpoint::read_text(file), file.string());
    const fs::path more = folder_ / kTemplateFolder;
    if (!fs::is_directory(more)) return;
    std::vector<fs::path> files;
    for (const auto& item : fs::directory_iterator(more)) {
      if (item.path().extension() == ".jinja") files.push_back(item.path());
    }
    std::ranges::sort(files);
    for (const fs::path& named : files) made.add(named.stem().string(), checkpoint::read_text(named), named.string());
  }

  static void add(ChatTemplate& made, const Value& found, const fs::path& file) {
    const std::string where = file.string();
    const auto add_named = [&](const Value& name, const Value& text) {
      if (!name.is_string() || !text.is_string()) {
        throw CheckpointError(fmt::format("{}: 'chat_template': a named template needs a name and a text", where));
      }
      made.add(name.as_string(), text.as_string(), fmt::format("{}: chat_template '{}'", where, name.as_string()));
    };
    if (found.is_string()) {
      made.add("default", found.as_string(), where + ": chat_template");
    } else if (found.is_dict()) {
      for (const auto& [name, text] : found.as_dict().entries()) add_named(name, text);
    } else if (found.is_sequence()) {
      for (const Value& named : found.items()) {
        const Value* name = entry(named, "name");
        const Value* text = entry(named, "template");
        add_named(name == nullptr ? Value() : *name, text == nullptr ? Value() : *text);
      }
    } else {
      throw CheckpointError(fmt::format("{}: 'chat_template' must be a text or a list of named templates", where));
    }
  }

  fs::path folder_;
  Value tokenizer_;
};

ChatTemplate ChatTemplate::from_folder(const fs::path& folder) {
  ChatTemplate made = ChatTemplateFolder(folder).read();
  if (made.templates_.empty()) {
    throw CheckpointError(
        fmt::format("{}: no chat template: neither {}, chat_template.json nor a 'chat_template' in "
                    "processor_config.json or tokenizer_config.json",
                    folder.string(), kTemplateFile));
  }
  return made;
}

bool ChatTemplate::exists_in(const fs::path& folder) { return !ChatTemplateFolder(folder).read().templates_.empty(); }

ChatTemplate ChatTemplate::from_file(const fs::path& file) {
  return from_text(checkpoint::read_text(file), file.string());
}

}  // namespace cambium::text
