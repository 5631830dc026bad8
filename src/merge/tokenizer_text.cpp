#include "merge/tokenizer_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "checkpoint/foreign_text.h"
#include "checkpoint/json_splice.h"
#include "tensor/error.h"

namespace cambium::merge {

using checkpoint::Json;
using checkpoint::JsonPart;

namespace {

constexpr std::string_view kSpecialKeys[] = {
    "bos_token",           "eos_token", "unk_token",  "sep_token",
    "pad_token",           "cls_token", "mask_token", "additional_special_tokens",
    "extra_special_tokens"};

AddedToken added_token(const Json& entry) {
  const auto flag = [&](const char* name, bool fallback) {
    const auto found = entry.find(name);
    return found != entry.end() && found->is_boolean() ? found->get<bool>() : fallback;
  };
  AddedToken token;
  token.content = entry.at("content").get<std::string>();
  token.single_word = flag("single_word", false);
  token.lstrip = flag("lstrip", false);
  token.rstrip = flag("rstrip", false);
  token.special = flag("special", false);
  token.normalized = flag("normalized", !token.special);
  return token;
}

bool has_content(const Json& entry) {
  if (!entry.is_object()) return false;
  const auto content = entry.find("content");
  return content != entry.end() && content->is_string();
}

std::string entry_text(std::int64_t id, const AddedToken& token) {
  const auto flag = [](bool value) { return value ? "true" : "false"; };
  return fmt::format(
      "    {{\n      \"id\": {},\n      \"content\": {},\n      \"single_word\": {},\n      \"lstrip\": {},\n      "
      "\"rstrip\": {},\n"
      "      \"normalized\": {},\n      \"special\": {}\n    }}",
      id, Json(token.content).dump(), flag(token.single_word), flag(token.lstrip), flag(token.rstrip),
      flag(token.normalized), flag(token.special));
}

Json parse_object(std::string_view text, const std::string& where) {
  if (text.empty()) return Json::object();
  Json json = checkpoint::parse_json(text, where);
  if (!json.is_object())
    throw CheckpointError(fmt::format("{}: holds {}, expected an object", where, json.type_name()));
  return json;
}

}  // namespace

TokenizerText::TokenizerText(std::string_view text, const checkpoint::Vocabulary& vocabulary, const Declared& declared,
                             std::string where)
    : text_(text), vocabulary_(&vocabulary), where_(std::move(where)), limit_(vocabulary.size()) {
  read_added();
  model_tokens_ = count_model_tokens();
  add_declared(declared);
}

std::int64_t TokenizerText::count_model_tokens() const {
  const auto parts = checkpoint::json_parts(checkpoint::json_member(checkpoint::json_member(text_, "model"), "vocab"));
  if (!cut_) return static_cast<std::int64_t>(parts.size());
  return std::ranges::count_if(parts, [this](const JsonPart& part) { return !was_cut(part.name()); });
}

void TokenizerText::read_added() {
  const std::string_view list = checkpoint::json_member(text_, "added_tokens");
  if (!list.starts_with('[')) return;
  for (const JsonPart& part : checkpoint::json_parts(list)) {
    const Json entry = checkpoint::parse_json(part.value, where_ + "/tokenizer.json");
    added_.emplace(entry.at("id").get<std::int64_t>(), added_token(entry));
  }
}

void TokenizerText::add_declared(const Declared& declared) {
  const Json config = parse_object(declared.tokenizer_config, where_ + "/tokenizer_config.json");
  const Json special = parse_object(declared.special_tokens_map, where_ + "/special_tokens_map.json");
  const Json more = parse_object(declared.added_tokens, where_ + "/added_tokens.json");
  // In the order of the ids they are declared with; where there is a gap, transformers closes it.
  std::map<std::int64_t, AddedToken> tokens;
  const auto decoder = config.find("added_tokens_decoder");
  const bool new_form = decoder != config.end() && decoder->is_object();
  if (new_form) {
    for (const auto& [id, entry] : decoder->items()) {
      const bool number = !id.empty() && id.size() < 10 && id.find_first_not_of("0123456789") == std::string::npos;
      if (number && has_content(entry)) tokens.emplace(std::stoll(id), added_token(entry));
    }
  } else {
    for (const auto& [content, id] : more.items()) {
      if (!id.is_number_unsigned()) continue;
      tokens.emplace(id.get<std::int64_t>(), AddedToken{.content = content, .normalized = false});
    }
  }
  for (auto& [id, token] : tokens) add(std::move(token));
  add_special_keys(config);
  // Files of the new form hold everything in the config; transformers reads the others only without it.
  if (!new_form) add_special_keys(special);
}

void TokenizerText::add_special_keys(const Json& file) {
  for (const std::string_view key : kSpecialKeys) {
    if (const auto found = file.find(key); found != file.end()) add_special(*found);
  }
}

void TokenizerText::add_special(const Json& value) {
  if (value.is_string()) {
    const auto content = value.get<std::string>();
    if (!content.empty()) add({.content = content, .normalized = false, .special = true});
  } else if (has_content(value)) {
    AddedToken token = added_token(value);
    token.special = true;
    add(std::move(token));
  } else if (value.is_array() || value.is_object()) {
    for (const Json& inner : value) {
      if (inner.is_string() || has_content(inner)) add_special(inner);
    }
  }
}

std::int64_t TokenizerText::size() const {
  std::int64_t size = added_.empty() ? 0 : added_.rbegin()->first + 1;
  for (std::int64_t id = limit_ - 1; id >= size; --id) {
    if (vocabulary_->token(id)) return id + 1;
  }
  return size;
}

std::optional<std::string_view> TokenizerText::token(std::int64_t id) const {
  if (const auto found = added_.find(id); found != added_.end()) return found->second.content;
  return id < limit_ ? vocabulary_->token(id) : std::nullopt;
}

std::optional<std::int64_t> TokenizerText::id(std::string_view token) const {
  if (const auto found = appended_.find(std::string(token)); found != appended_.end()) return found->second;
  const std::optional<std::int64_t> id = vocabulary_->id(token);
  return id && *id < limit_ ? id : std::nullopt;
}

void TokenizerText::cut(std::int64_t rows) {
  if (size() <= rows) return;
  const std::string_view type = checkpoint::json_member(checkpoint::json_member(text_, "model"), "type");
  if (type != "\"BPE\"") {
    throw CheckpointError(
        fmt::format("{}: its tokenizer has tokens without a row in the model (ids from {} on), and being of type "
                    "{} it cannot be cut; only BPE can",
                    where_, rows, type.empty() ? "unknown" : type));
  }
  added_.erase(added_.lower_bound(rows), added_.end());
  std::erase_if(appended_, [rows](const auto& entry) { return entry.second >= rows; });
  limit_ = std::min(limit_, rows);
  cut_ = changed_ = true;
  model_tokens_ = count_model_tokens();
}

std::int64_t TokenizerText::add(AddedToken token) {
  if (const std::optional<std::int64_t> known = id(token.content)) {
    if (added_.try_emplace(*known, std::move(token)).second) changed_ = true;
    return *known;
  }
  // Where the tokenizers library puts it; past everything if the vocabulary has gaps and that place is taken.
  std::int64_t next = added_.empty() ? model_tokens_ : std::max(added_.rbegin()->first + 1, model_tokens_);
  if (this->token(next)) next = size();
  appended_.emplace(token.content, next);
  added_.emplace(next, std::move(token));
  changed_ = true;
  return next;
}

bool TokenizerText::was_cut(std::string_view token) const {
  const std::optional<std::int64_t> id = vocabulary_->id(token);
  return id && *id >= limit_;
}

// The model's object without the tokens that were cut and the merges that make or use them.
std::string TokenizerText::model_text(std::string_view model) const {
  const auto kept = [](std::string_view container, const auto& keep) {
    std::string out(1, container.front());
    for (const JsonPart& part : checkpoint::json_parts(container)) {
      if (!keep(part)) continue;
      if (out.size() > 1) out += ',';
      if (!part.key.empty()) out.append(part.key).append(":");
      out.append(part.value);
    }
    return out + container.back();
  };
  const std::string vocabulary =
      kept(checkpoint::json_member(model, "vocab"), [&](const JsonPart& part) { return !was_cut(part.name()); });
  const auto keeps_merge = [&](const JsonPart& part) {
    const Json merge = checkpoint::parse_json(part.value, where_ + "/tokenizer.json");
    std::string left;
    std::string right;
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      left = merge[0].get<std::string>();
      right = merge[1].get<std::string>();
    } else if (merge.is_string() && merge.get_ref<const std::string&>().find(' ') != std::string::npos) {
      const auto& text = merge.get_ref<const std::string&>();
      left = text.substr(0, text.find(' '));
      right = text.substr(text.find(' ') + 1);
    } else {
      throw CheckpointError(fmt::format("{}/tokenizer.json: the merge {} is not a pair of tokens", where_,
                                        checkpoint::quote_foreign(part.value, 60)));
    }
    // A merge whose result is not a token of the vocabulary would make the file unreadable.
    return !was_cut(left) && !was_cut(right) && !was_cut(left + right);
  };
  std::string result = checkpoint::json_replaced(model, checkpoint::json_member(model, "vocab"), vocabulary);
  if (const std::string_view merges = checkpoint::json_member(result, "merges"); merges.starts_with('[')) {
    result = checkpoint::json_replaced(result, merges, kept(merges, keeps_merge));
  }
  return result;
}

std::string TokenizerText::text() const {
  if (!changed_) return std::string(text_);
  std::string list = "[";
  for (const auto& [id, token] : added_) {
    list += list.size() > 1 ? ",\n" : "\n";
    list += entry_text(id, token);
  }
  list += added_.empty() ? "]" : "\n  ]";
  std::string result(text_);
  if (cut_) {
    const std::string_view model = checkpoint::json_member(text_, "model");
    result = checkpoint::json_replaced(text_, model, model_text(model));
  }
  const std::string_view old = checkpoint::json_member(result, "added_tokens");
  if (!old.empty()) return checkpoint::json_replaced(result, old, list);
  return result.insert(result.find('{') + 1, fmt::format("\"added_tokens\": {},", list));
}

}  // namespace cambium::merge
