#include "checkpoint/tokenizer_from_gguf.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "checkpoint/foreign_text.h"
#include "checkpoint/gguf_merges.h"
#include "checkpoint/gguf_pre_tokenizer.h"
#include "checkpoint/gguf_vocabulary.h"
#include "checkpoint/json.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

constexpr std::string_view kWordMark = "\u2581";  // what SentencePiece writes for a blank

// The object's keys are known to differ: appended without ordered_json's search for a key, which is linear.
void append_key(Json& object, std::string key, Json value) {
  object.get_ref<Json::object_t&>().emplace_back(std::move(key), std::move(value));
}

class Builder {
 public:
  Builder(const GgufMetadata& metadata, std::string_view where, const GgufTokenizerOptions& options)
      : metadata_(metadata),
        where_(where),
        options_(options),
        vocabulary_(metadata, where, gemma()),
        bos_(vocabulary_.special("bos")),
        eos_(vocabulary_.special("eos")),
        unknown_(vocabulary_.special("unknown")),
        padding_(vocabulary_.special("padding")) {
    if (!sentence_piece()) name_pre_tokenizer();
    add_bos_ = metadata_.boolean("tokenizer.ggml.add_bos_token").value_or(sentence_piece() || pre_tokenizer_.adds_bos);
    add_eos_ = metadata_.boolean("tokenizer.ggml.add_eos_token").value_or(false);
    require_if_added("bos", add_bos_, bos_);
    require_if_added("eos", add_eos_, eos_);
    if (!vocabulary_.tokens().empty() && vocabulary_.tokens().back().id >= options_.vocabulary) {
      throw CheckpointError(fmt::format("{}: has {} tokens, but the embedding only {} rows", where_,
                                        vocabulary_.tokens().back().id + 1, options_.vocabulary));
    }
  }

  [[nodiscard]] Json tokenizer() const {
    if (!sentence_piece() && pre_tokenizer_.pre_tokenizer.is_null()) refuse_pre_tokenizer();
    Json json;
    json["version"] = "1.0";
    json["truncation"] = nullptr;
    json["padding"] = nullptr;
    json["added_tokens"] = added_tokens();
    if (sentence_piece()) {
      json["normalizer"] = blank_normalizer();
      json["pre_tokenizer"] = gemma() ? gemma_split() : Json(nullptr);
      json["post_processor"] = template_processor();
      json["decoder"] = blank_decoder();
    } else {
      json["normalizer"] = pre_tokenizer_.normalizer;
      json["pre_tokenizer"] = pre_tokenizer_.pre_tokenizer;
      json["post_processor"] = byte_level_processor();
      json["decoder"] = byte_level(true);
    }
    json["model"] = model();
    return json;
  }

  [[nodiscard]] Json config() const {
    Json json;
    json["clean_up_tokenization_spaces"] = false;
    // Qwen's own tokenizers have no bos; llama.cpp's converter takes one from config.json.
    if (bos_ != nullptr && (add_bos_ || !options_.architecture.starts_with("qwen"))) json["bos_token"] = bos_->text;
    if (eos_ != nullptr) json["eos_token"] = eos_->text;
    if (padding_ != nullptr) json["pad_token"] = padding_->text;
    if (unknown_ != nullptr) json["unk_token"] = unknown_->text;
    json["model_max_length"] = options_.context_length;
    json["tokenizer_class"] = "PreTrainedTokenizerFast";
    return json;
  }

 private:
  [[nodiscard]] bool sentence_piece() const { return vocabulary_.sentence_piece(); }
  [[nodiscard]] bool gemma() const { return options_.architecture.starts_with("gemma"); }

  void name_pre_tokenizer() {
    pre_name_ = options_.pre_tokenizer;
    if (pre_name_.empty()) pre_name_ = metadata_.text("tokenizer.ggml.pre").value_or("default");
    if (pre_name_ == "default") {
      // Files of before April 2024 do not say; the model may.
      if (options_.architecture.starts_with("qwen")) pre_name_ = "qwen2";
      if (vocabulary_.contains("<|begin_of_text|>")) pre_name_ = "llama-bpe";
    }
    pre_tokenizer_ = gguf_pre_tokenizer(pre_name_);
  }

  [[noreturn]] void refuse_pre_tokenizer() const {
    throw CheckpointError(
        fmt::format("{}: the pre-tokenizer {} (tokenizer.ggml.pre) is not known; name the way in which "
                    "the model cuts text with --pre-tokenizer: {}",
                    where_, quote_foreign(pre_name_), fmt::join(gguf_pre_tokenizer_names(), ", ")));
  }

  void require_if_added(std::string_view name, bool added, const GgufToken* found) const {
    if (added && found == nullptr) {
      throw CheckpointError(fmt::format(
          "{}: texts get a {} token, but key 'tokenizer.ggml.{}_token_id' does not name one", where_, name, name));
    }
  }

  [[nodiscard]] Json added_tokens() const {
    // Phi-3's special tokens swallow the blanks behind them. The format has no place for that; llama.cpp goes by the
    // model's name, here its tell-tale tokens do.
    const bool phi3 = sentence_piece() && vocabulary_.contains("<|placeholder1|>");
    Json list = Json::array();
    for (const GgufToken& token : vocabulary_.tokens()) {
      const bool is_special =
          token.kind == GgufTokenKind::kControl || (token.kind == GgufTokenKind::kUnknown && sentence_piece());
      if (!is_special && token.kind != GgufTokenKind::kUserDefined) continue;
      if (token.text.empty()) continue;
      const bool swallows = phi3 && token.text != "<unk>" && token.text != "<s>" && token.text != "<|endoftext|>";
      Json added;
      added["id"] = token.id;
      added["content"] = token.text;
      added["single_word"] = false;
      added["lstrip"] = false;
      added["rstrip"] = swallows;
      added["normalized"] = false;
      added["special"] = is_special;
      list.push_back(std::move(added));
    }
    return list;
  }

  [[nodiscard]] Json model() const {
    Json json;
    json["type"] = "BPE";
    json["dropout"] = nullptr;
    json["unk_token"] = sentence_piece() && unknown_ != nullptr ? Json(unknown_->text) : Json(nullptr);
    json["continuing_subword_prefix"] = nullptr;
    json["end_of_word_suffix"] = nullptr;
    json["fuse_unk"] = sentence_piece();
    json["byte_fallback"] = sentence_piece() && vocabulary_.contains("<0x00>");
    json["ignore_merges"] = !sentence_piece() && pre_tokenizer_.ignore_merges;
    Json vocabulary = Json::object();
    for (const GgufToken& token : vocabulary_.tokens()) append_key(vocabulary, token.text, token.id);
    json["vocab"] = std::move(vocabulary);
    json["merges"] = merges();
    return json;
  }

  [[nodiscard]] Json merges() const {
    Json list = Json::array();
    const std::vector<std::string_view> stated = metadata_.texts("tokenizer.ggml.merges");
    if (stated.empty() && !sentence_piece()) {
      throw CheckpointError(
          fmt::format("{}: has no tokenizer.ggml.merges; a byte-level BPE vocabulary needs them", where_));
    }
    if (!stated.empty()) {
      for (std::size_t i = 0; i < stated.size(); ++i) {
        const std::size_t blank = stated[i].find(' ', 1);
        const std::string left(stated[i].substr(0, blank));
        const std::string right(blank == std::string_view::npos ? "" : stated[i].substr(blank + 1));
        if (!vocabulary_.contains(left) || !vocabulary_.contains(right) || !vocabulary_.contains(left + right)) {
          throw CheckpointError(
              fmt::format("{}: merge {} of tokenizer.ggml.merges joins what is no token, or to what is "
                          "none",
                          where_, i));
        }
        list.push_back(Json::array({left, right}));
      }
      return list;
    }
    for (const auto& [left, right] : merges_from_scores(scored_tokens())) {
      list.push_back(Json::array({std::string(left), std::string(right)}));
    }
    return list;
  }

  [[nodiscard]] std::vector<ScoredToken> scored_tokens() const {
    // Where scores say nothing (Gemma's do not follow its merges; converters without a SentencePiece model write one
    // constant) the order of the tokens does.
    std::vector<double> scores;
    for (const GgufToken& token : vocabulary_.tokens()) {
      if (token.kind == GgufTokenKind::kNormal) scores.push_back(token.score);
    }
    const bool by_id = gemma() || std::ranges::adjacent_find(scores, std::not_equal_to<>{}) == scores.end();
    std::vector<ScoredToken> result;
    for (const GgufToken& token : vocabulary_.tokens()) {
      const bool mergeable = token.kind == GgufTokenKind::kNormal || token.kind == GgufTokenKind::kUserDefined ||
                             token.kind == GgufTokenKind::kUnused;
      result.push_back({token.text, token.id, by_id ? -static_cast<double>(token.id) : token.score, mergeable});
    }
    return result;
  }

  static Json byte_level(bool trims_offsets) {
    return {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", trims_offsets}, {"use_regex", true}};
  }

  [[nodiscard]] Json byte_level_processor() const {
    Json with_special = template_processor();
    Json offsets = byte_level(pre_tokenizer_.trims_offsets);
    if (with_special.is_null()) return offsets;
    Json json;
    json["type"] = "Sequence";
    json["processors"] = Json::array({std::move(offsets), std::move(with_special)});
    return json;
  }

  // bos A eos, and for pairs bos A eos bos B eos.
  [[nodiscard]] Json template_processor() const {
    if (!add_bos_ && !add_eos_) return nullptr;
    Json special_tokens = Json::object();
    const auto special_piece = [&](const GgufToken& token, int type_id) {
      special_tokens[token.text] = {
          {"id", token.text}, {"ids", Json::array({token.id})}, {"tokens", Json::array({token.text})}};
      Json piece;
      piece["SpecialToken"] = {{"id", token.text}, {"type_id", type_id}};
      return piece;
    };
    const auto append_text = [&](Json& list, std::string_view sequence, int type_id) {
      if (add_bos_) list.push_back(special_piece(*bos_, type_id));
      Json piece;
      piece["Sequence"] = {{"id", sequence}, {"type_id", type_id}};
      list.push_back(std::move(piece));
      if (add_eos_) list.push_back(special_piece(*eos_, type_id));
    };
    Json single = Json::array();
    append_text(single, "A", 0);
    Json pair = Json::array();
    append_text(pair, "A", 0);
    append_text(pair, "B", 1);
    Json json;
    json["type"] = "TemplateProcessing";
    json["single"] = std::move(single);
    json["pair"] = std::move(pair);
    json["special_tokens"] = std::move(special_tokens);
    return json;
  }

  [[nodiscard]] bool prefixes_blank() const {
    return metadata_.boolean("tokenizer.ggml.add_space_prefix").value_or(true) && !gemma();
  }

  static Json replace(std::string_view from, std::string_view to) {
    Json json;
    json["type"] = "Replace";
    json["pattern"]["String"] = from;
    json["content"] = to;
    return json;
  }

  [[nodiscard]] Json blank_normalizer() const {
    if (!prefixes_blank()) return replace(" ", kWordMark);
    Json json;
    json["type"] = "Sequence";
    json["normalizers"] = Json::array();
    json["normalizers"].push_back({{"type", "Prepend"}, {"prepend", kWordMark}});
    json["normalizers"].push_back(replace(" ", kWordMark));
    return json;
  }

  static Json gemma_split() {
    Json json;
    json["type"] = "Split";
    json["pattern"]["String"] = " ";
    json["behavior"] = "MergedWithPrevious";
    json["invert"] = false;
    return json;
  }

  [[nodiscard]] Json blank_decoder() const {
    Json steps = Json::array();
    steps.push_back(replace(kWordMark, " "));
    steps.push_back(Json::object({{"type", "ByteFallback"}}));
    steps.push_back(Json::object({{"type", "Fuse"}}));
    if (prefixes_blank()) steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
    Json json;
    json["type"] = "Sequence";
    json["decoders"] = std::move(steps);
    return json;
  }

  const GgufMetadata& metadata_;
  std::string where_;
  const GgufTokenizerOptions& options_;
  GgufVocabulary vocabulary_;
  const GgufToken* bos_;
  const GgufToken* eos_;
  const GgufToken* unknown_;
  const GgufToken* padding_;
  std::string pre_name_;
  GgufPreTokenizer pre_tokenizer_;
  bool add_bos_ = false;
  bool add_eos_ = false;
};

std::string pretty_text(const Json& json) { return json.dump(2, ' ', false) + "\n"; }

void add_chat_templates(const GgufMetadata& metadata, std::string_view where,
                        std::map<std::string, std::string>& files) {
  if (auto text = metadata.text("tokenizer.chat_template")) files["chat_template.jinja"] = *std::move(text);
  for (const std::string_view name : metadata.texts("tokenizer.chat_templates")) {
    const bool plain = !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_' || c == '-';
    });
    if (!plain) {
      throw CheckpointError(
          fmt::format("{}: key 'tokenizer.chat_templates' has a name that cannot be a file's name; "
                      "expected letters, digits, - and _",
                      where));
    }
    const std::string key = fmt::format("tokenizer.chat_template.{}", name);
    files[fmt::format("additional_chat_templates/{}.jinja", name)] = metadata.required_text(key);
  }
}

}  // namespace

std::map<std::string, std::string> tokenizer_from_gguf(const GgufMetadata& metadata, std::string_view where,
                                                       const GgufTokenizerOptions& options) {
  std::map<std::string, std::string> files;
  const Builder builder(metadata, where, options);
  if (auto original = metadata.text("tokenizer.huggingface.json")) {
    const Json parsed = parse_json(*original, fmt::format("{}: key 'tokenizer.huggingface.json'", where));
    if (!parsed.is_object()) {
      throw CheckpointError(fmt::format("{}: key 'tokenizer.huggingface.json' does not hold a JSON object", where));
    }
    files["tokenizer.json"] = *std::move(original);
  } else {
    files["tokenizer.json"] = pretty_text(builder.tokenizer());
  }
  files["tokenizer_config.json"] = pretty_text(builder.config());
  add_chat_templates(metadata, where, files);
  return files;
}

}  // namespace cambium::checkpoint
