#include "merge/chat_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "checkpoint/json.h"
#include "merge/method_table.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

using checkpoint::Json;

struct KnownTemplate {
  std::string_view name;
  std::string_view text;
};

// The usual forms, for Hugging Face's Jinja settings (a block's line end is dropped).
constexpr std::array<KnownTemplate, 5> kKnown{{
    {"chatml",
     "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
     "'\\n'}}{% endfor %}\n{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}\n"},
    {"llama3",
     "{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + "
     "'<|end_header_id|>\\n\\n' + (message['content'] | trim) + '<|eot_id|>' }}{% endfor %}"
     "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}\n"},
    {"mistral",
     "{% set turns = messages %}{% set opening = '' %}"
     "{% if messages[0]['role'] == 'system' %}{% set opening = messages[0]['content'] + '\\n\\n' %}"
     "{% set turns = messages[1:] %}{% endif %}{{ bos_token }}"
     "{% for turn in turns %}{% if turn['role'] != ['user', 'assistant'][loop.index0 % 2] %}"
     "{{ raise_exception('user and assistant must take turns, beginning with user') }}{% endif %}"
     "{% if turn['role'] == 'user' %}{{ ' [INST] ' + (opening if loop.first else '') + turn['content'] + ' [/INST]' }}"
     "{% else %}{{ ' ' + turn['content'] + eos_token }}{% endif %}{% endfor %}\n"},
    {"alpaca",
     "{% set headings = {'user': '### Instruction:', 'user_context': '### Input:', 'assistant': '### Response:'} %}"
     "{% for message in messages %}{% if message['role'] in headings %}{{ headings[message['role']] + '\\n' }}{% endif "
     "%}"
     "{{ (message['content'] | trim) + '\\n\\n' }}{% endfor %}"
     "{% if add_generation_prompt %}{{ '### Response:\\n' }}{% endif %}\n"},
    {"exaone",
     "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
     "{{ '[|system|][|endofturn|]\\n' }}{% endif %}{{ '[|' + message['role'] + '|]' + message['content'] + "
     "('\\n' if message['role'] == 'user' else '[|endofturn|]\\n') }}{% endfor %}"
     "{% if add_generation_prompt %}{{ '[|assistant|]' }}{% endif %}\n"},
}};

// The value of a "chat_template" key: a text, or a list of named ones.
std::optional<std::string> template_in(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return std::nullopt;
  for (const Json& each : value) {
    if (each.is_object() && each.value("name", "") == "default" && each.contains("template") &&
        each["template"].is_string()) {
      return each["template"].get<std::string>();
    }
  }
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

std::optional<std::string> chat_template_of(const Source& source) {
  if (const CompanionFile* file = source.companion("chat_template.jinja")) return file->read();
  for (const char* name : {"tokenizer_config.json", "chat_template.json"}) {
    const CompanionFile* file = source.companion(name);
    if (file == nullptr) continue;
    const Json json = checkpoint::parse_json(file->read(), source.label() + "/" + name);
    if (!json.is_object() || !json.contains("chat_template")) continue;
    if (auto text = template_in(json["chat_template"])) return text;
  }
  return std::nullopt;
}

std::optional<std::string> choose_chat_template(std::string_view wanted, std::span<const Source* const> sources,
                                                std::string_view where) {
  if (wanted == "auto") {
    std::vector<std::pair<std::string, int>> votes;
    for (const Source* source : sources) {
      const std::optional<std::string> text = chat_template_of(*source);
      if (!text || trimmed(*text).empty()) continue;
      const std::string vote(trimmed(*text));
      const auto found = std::ranges::find(votes, vote, &std::pair<std::string, int>::first);
      if (found == votes.end()) {
        votes.emplace_back(vote, 1);
      } else {
        ++found->second;
      }
    }
    if (votes.empty()) return std::nullopt;
    return std::ranges::max_element(votes, {}, &std::pair<std::string, int>::second)->first;
  }
  std::vector<std::string_view> names{"auto"};
  for (const KnownTemplate& known : kKnown) {
    if (known.name == wanted) return std::string(known.text);
    names.push_back(known.name);
  }
  if (wanted.size() < 20 || wanted.find('{') == std::string_view::npos) {
    throw RecipeError(fmt::format("{}: chat_template '{}' is neither a template nor a known name; {}", where, wanted,
                                  nearest_names(wanted, names)));
  }
  return std::string(wanted);
}

void replace_chat_template(std::vector<CompanionFile>& files, const std::string& text) {
  for (CompanionFile& file : files) {
    if (file.name != "tokenizer_config.json" && file.name != "chat_template.json") continue;
    Json json = checkpoint::parse_json(file.read(), file.name);
    if (!json.is_object() || !json.contains("chat_template")) continue;
    json["chat_template"] = text;
    file.contents = json.dump(2) + "\n";
  }
  std::erase_if(files, [](const CompanionFile& file) { return file.name == "chat_template.jinja"; });
  files.push_back({"chat_template.jinja", {}, text});
}

}  // namespace cambium::merge
