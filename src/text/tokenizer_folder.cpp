#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "checkpoint/json.h"
#include "checkpoint/open_file.h"
#include "tensor/error.h"
#include "text/pipeline.h"
#include "text/sentencepiece_tokenizer.h"
#include "text/tekken.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"

namespace cambium::text {

namespace fs = std::filesystem;

namespace {

/// The files beside a tokenizer that say more about it; absent ones are empty objects.
class CompanionFiles {
 public:
  explicit CompanionFiles(const fs::path& folder)
      : folder_(folder),
        tokenizer_config_(read("tokenizer_config.json")),
        special_tokens_map_(read("special_tokens_map.json")),
        config_(read("config.json")) {}

  [[nodiscard]] JsonPart tokenizer_config() const { return {tokenizer_config_, names_[0], "top level"}; }

  /// The token's string in a role ("bos_token"), as the tokenizer's own files give it.
  [[nodiscard]] std::optional<std::string> token(const std::string& role) const {
    for (const Json* file : {&tokenizer_config_, &special_tokens_map_}) {
      const auto found = file->find(role);
      if (found == file->end()) continue;
      if (found->is_string()) return found->get<std::string>();
      if (found->is_object() && found->contains("content") && (*found)["content"].is_string()) {
        return (*found)["content"].get<std::string>();
      }
    }
    return std::nullopt;
  }

  /// The id that config.json gives for a role ("bos_token_id": a number, or the first of a list).
  [[nodiscard]] std::optional<TokenId> id(const std::string& role) const {
    const Json* holder = &config_;
    // Multimodal configs keep the language model's ids inside.
    if (!config_.contains(role + "_id") && config_.contains("text_config") && config_["text_config"].is_object()) {
      holder = &config_["text_config"];
    }
    const auto found = holder->find(role + "_id");
    if (found == holder->end()) return std::nullopt;
    const Json& value = found->is_array() && !found->empty() ? found->front() : *found;
    if (!value.is_number_integer()) return std::nullopt;
    const auto number = value.get<std::int64_t>();
    return number >= 0 && number <= INT32_MAX ? std::optional(static_cast<TokenId>(number)) : std::nullopt;
  }

 private:
  Json read(const std::string& name) {
    names_.push_back((folder_ / name).string());
    if (!fs::exists(folder_ / name)) return Json::object();
    Json json = checkpoint::read_json(folder_ / name);
    if (!json.is_object()) throw CheckpointError(fmt::format("{}: must be an object", names_.back()));
    return json;
  }

  fs::path folder_;
  std::vector<std::string> names_;
  Json tokenizer_config_;
  Json special_tokens_map_;
  Json config_;
};

fs::path tokenizer_file(const fs::path& folder) {
  for (const char* name : {"tokenizer.json", "tokenizer.model", "tekken.json"}) {
    if (fs::exists(folder / name)) return folder / name;
  }
  std::vector<fs::path> models;
  if (fs::is_directory(folder)) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".model") models.push_back(entry.path());
    }
  }
  if (models.size() == 1) return models.front();
  throw CheckpointError(fmt::format(
      "{}: no tokenizer.json, tokenizer.model (sentencepiece) or tekken.json in this folder", folder.string()));
}

bool is_tekken(JsonCursor cursor) {
  std::string_view key;
  cursor.begin_object();
  while (cursor.next_key(key)) {
    if (key == "model" || key == "added_tokens") return false;
    if (key == "config" || key == "special_tokens") return true;
    (void)cursor.skip();
  }
  return false;
}

std::unique_ptr<Pipeline> load_pipeline(const fs::path& file) {
  const std::string content = checkpoint::read_file(file);
  const std::string name = file.string();
  if (file.extension() == ".model") return pipeline_from_sentencepiece(content, name);
  const JsonCursor cursor(content, name);
  return is_tekken(cursor) ? pipeline_from_tekken(cursor) : pipeline_from_json(cursor);
}

/// Tokens that tokenizer_config.json adds, or gives other properties, as transformers takes them.
void add_configured_tokens(const CompanionFiles& files, Pipeline& pipeline) {
  const JsonPart config = files.tokenizer_config();
  std::vector<std::pair<std::int64_t, AddedToken>> tokens;
  if (config.has("added_tokens_decoder")) {
    const JsonPart table = config.at("added_tokens_decoder");
    if (!table.value().is_object()) table.fail("must be an object");
    for (const auto& [key, value] : table.value().items()) {
      std::int64_t id = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
      if (error != std::errc{} || end != key.data() + key.size())
        table.fail(fmt::format("'{}' is not a token's id", key));
      tokens.emplace_back(id, added_token_from_json(table.at(key)));
    }
  }
  std::stable_sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [id, token] : tokens) (void)pipeline.added.add(token, pipeline.model->vocabulary());
  for (const char* role :
       {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}) {
    const auto content = files.token(role);
    if (!content || pipeline.added.id(*content)) continue;
    AddedToken token;
    token.content = *content;
    token.normalized = false;
    token.special = true;
    (void)pipeline.added.add(token, pipeline.model->vocabulary());
  }
  pipeline.added.prepare(pipeline.normalizer.get());
}

}  // namespace

Tokenizer Tokenizer::from_folder(const fs::path& folder) {
  Tokenizer tokenizer(load_pipeline(tokenizer_file(folder)));
  const CompanionFiles files(folder);
  Pipeline& pipeline = *tokenizer.pipeline_;
  add_configured_tokens(files, pipeline);

  const auto id_of = [&](const std::string& role) {
    const auto token = files.token(role);
    return token ? pipeline.id(*token) : files.id(role);
  };
  SpecialTokens& special = tokenizer.special_tokens_;
  special = {.bos = id_of("bos_token"),
             .eos = id_of("eos_token"),
             .unk = id_of("unk_token"),
             .pad = id_of("pad_token"),
             .cls = id_of("cls_token"),
             .sep = id_of("sep_token"),
             .mask = id_of("mask_token")};
  tokenizer.learn_frame();
  // transformers builds the template anew when either key is there.
  const JsonPart config = files.tokenizer_config();
  if (config.has("add_bos_token") || config.has("add_eos_token")) {
    const auto bos = config.boolean("add_bos_token", !tokenizer.prefix_.empty()) ? special.bos : std::nullopt;
    const auto eos = config.boolean("add_eos_token", !tokenizer.suffix_.empty()) ? special.eos : std::nullopt;
    const auto list = [](std::optional<TokenId> id) { return id ? std::vector<TokenId>{*id} : std::vector<TokenId>{}; };
    if (list(bos) != tokenizer.prefix_ || list(eos) != tokenizer.suffix_) {
      pipeline.post_processor = make_frame(bos, eos);
      tokenizer.prefix_ = list(bos);
      tokenizer.suffix_ = list(eos);
    }
  }
  return tokenizer;
}

Tokenizer Tokenizer::from_file(const fs::path& file) {
  Tokenizer tokenizer(load_pipeline(file));
  tokenizer.learn_frame();
  return tokenizer;
}

Tokenizer Tokenizer::from_json(std::string_view json, std::string_view where) {
  Tokenizer tokenizer(pipeline_from_json(JsonCursor(json, where)));
  tokenizer.learn_frame();
  return tokenizer;
}

}  // namespace cambium::text
