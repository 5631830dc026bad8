#include "model/graft/graft_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "checkpoint/json.h"
#include "checkpoint/open_file.h"
#include "checkpoint/vocabulary.h"
#include "tensor/error.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace cambium::model {
namespace {

using checkpoint::Json;

// What else a tokenizer needs; tokenizer.json and tokenizer_config.json are written anew.
constexpr std::array kCopied{"tokenizer.model",
                             "vocab.json",
                             "vocab.txt",
                             "merges.txt",
                             "added_tokens.json",
                             "tekken.json",
                             "special_tokens_map.json",
                             "generation_config.json"};

std::optional<std::string> file_text(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  return checkpoint::read_file(file);
}

Json special_token(const std::string& text) {
  return {{"content", text}, {"lstrip", false},      {"normalized", false},
          {"rstrip", false}, {"single_word", false}, {"special", true}};
}

std::string tokenizer_json(const std::string& text, const std::filesystem::path& file,
                           const std::vector<PlaceholderToken>& tokens) {
  Json tokenizer = checkpoint::parse_json(text, file.string());
  Json& added = tokenizer["added_tokens"];
  if (!added.is_array()) added = Json::array();
  for (const PlaceholderToken& token : tokens) {
    const bool there =
        std::ranges::any_of(added, [&](const Json& each) { return each.value("content", "") == token.text; });
    if (there) continue;
    Json entry{{"id", token.id}};
    entry.update(special_token(token.text));
    added.push_back(std::move(entry));
  }
  return tokenizer.dump(2) + "\n";
}

std::string tokenizer_config(const std::optional<std::string>& text, const std::filesystem::path& file, bool needs_list,
                             const std::vector<PlaceholderToken>& tokens) {
  Json config = text ? checkpoint::parse_json(*text, file.string()) : Json::object();
  config.erase("chat_template");  // in a file of its own
  if (needs_list && !config.contains("added_tokens_decoder")) config["added_tokens_decoder"] = Json::object();
  for (const PlaceholderToken& token : tokens) {
    if (const auto list = config.find("added_tokens_decoder"); list != config.end() && list->is_object())
      (*list)[std::to_string(token.id)] = special_token(token.text);
    for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
      const auto list = config.find(key);
      if (list == config.end() || !list->is_array()) continue;
      if (std::ranges::find(*list, Json(token.text)) == list->end()) list->push_back(token.text);
    }
  }
  return config.dump(2) + "\n";
}

// "{% if part['type'] == 'image' %}<image>\n{% elif ... %}"
std::string part_branches(const std::vector<PlaceholderToken>& tokens) {
  std::string out;
  for (const PlaceholderToken& token : tokens) {
    out += fmt::format("{{%- {} part['type'] == '{}' -%}}{{{{- {} + '\\n' -}}}}", out.empty() ? "if" : "elif",
                       names_of(token.modality).name, Json(token.text).dump());
  }
  return out + "{%- else -%}{{- part['text'] -}}{%- endif -%}";
}

// Whether a template writes every placeholder for a part of its modality, and the text.
bool takes_parts(const text::ChatTemplate& own, const std::vector<PlaceholderToken>& tokens) {
  using text::jinja::Value;
  constexpr const char* kText = "Whatever";
  std::vector<Value> parts;
  for (const PlaceholderToken& token : tokens)
    parts.push_back(Value::dict({{"type", Value::string(std::string(names_of(token.modality).name))}}));
  parts.push_back(Value::dict({{"type", Value::string("text")}, {"text", Value::string(kText)}}));
  text::ChatRequest request;
  request.messages =
      Value::list({Value::dict({{"role", Value::string("user")}, {"content", Value::list(std::move(parts))}})});
  try {
    const std::string made = own.render(request);
    return made.find(kText) != std::string::npos && made.find("type") == std::string::npos &&
           std::ranges::all_of(
               tokens, [&](const PlaceholderToken& token) { return made.find(token.text) != std::string::npos; });
  } catch (const Error&) {
    return false;
  }
}

std::string chat_template(const std::filesystem::path& folder, const std::vector<PlaceholderToken>& tokens) {
  std::string flat =
      "{%- macro content_as_text(content) -%}"
      "{%- if content is string -%}{{- content -}}{%- else -%}"
      "{%- for part in content -%}" +
      part_branches(tokens) +
      "{%- endfor -%}{%- endif -%}"
      "{%- endmacro -%}";
  if (!text::ChatTemplate::exists_in(folder)) {
    return flat +
           "{%- for message in messages -%}"
           "{%- if message['role'] == 'system' -%}{{- content_as_text(message['content']) + ' ' -}}"
           "{%- elif message['role'] == 'assistant' -%}{{- 'ASSISTANT: ' + content_as_text(message['content']) + ' ' "
           "-}}"
           "{%- else -%}{{- 'USER: ' + content_as_text(message['content']) + ' ' -}}{%- endif -%}"
           "{%- endfor -%}"
           "{%- if add_generation_prompt -%}{{- 'ASSISTANT:' -}}{%- endif -%}";
  }
  const text::ChatTemplate own = text::ChatTemplate::from_folder(folder);
  const std::vector<std::string> names = own.names();
  const std::string& source =
      own.source(std::ranges::find(names, "default") != names.end() ? "default" : names.front());
  if (takes_parts(own, tokens)) return source;
  return flat +
         "{%- set flattened = namespace(messages=[]) -%}"
         "{%- for message in messages -%}"
         "{%- if message['content'] is defined and message['content'] is not none -%}"
         "{%- set flattened.messages = flattened.messages + "
         "[dict(message, content=content_as_text(message['content']))] -%}"
         "{%- else -%}{%- set flattened.messages = flattened.messages + [message] -%}{%- endif -%}"
         "{%- endfor -%}"
         "{%- set messages = flattened.messages %}" +
         source;
}

}  // namespace

GraftedText grafted_text(const std::filesystem::path& folder, std::vector<PlaceholderToken> tokens) {
  const text::Tokenizer tokenizer = text::Tokenizer::from_folder(folder);
  GraftedText out;
  out.vocabulary_size = static_cast<std::int64_t>(tokenizer.vocabulary_size());
  for (PlaceholderToken& token : tokens) {
    if (const auto known = tokenizer.id(token.text)) {
      token.id = *known;
    } else {
      token.id = out.vocabulary_size++;
    }
  }
  const std::optional<std::string> json = file_text(folder / "tokenizer.json");
  if (json) out.files["tokenizer.json"] = tokenizer_json(*json, folder / "tokenizer.json", tokens);
  out.files["tokenizer_config.json"] = tokenizer_config(file_text(folder / "tokenizer_config.json"),
                                                        folder / "tokenizer_config.json", !json.has_value(), tokens);
  for (const char* name : kCopied) {
    if (std::optional<std::string> text = file_text(folder / name)) out.files[name] = std::move(*text);
  }
  out.files["chat_template.jinja"] = chat_template(folder, tokens);
  out.tokens = std::move(tokens);
  return out;
}

}  // namespace cambium::model
