#include "merge/tokenizer_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "checkpoint/foreign_text.h"
#include "checkpoint/json.h"
#include "merge/tokenizer_text.h"
#include "tensor/error.h"

namespace cambium::merge {

using checkpoint::quote_foreign;

namespace {

constexpr std::string_view kTokenizerJson = "tokenizer.json";
constexpr std::string_view kTokenizerConfig = "tokenizer_config.json";
constexpr std::string_view kTemplates[] = {"chat_template.jinja", "special_tokens_map.json"};
// What slow tokenizers read: right only beside the tokenizer.json it came with.
constexpr std::string_view kSlowFiles[] = {
    "added_tokens.json", "vocab.json",   "merges.txt",  "vocab.txt",
    "tokenizer.model",   "spiece.model", "tekken.json", "sentencepiece.bpe.model"};

bool travels_with_any_tokenizer(std::string_view name) {
  return name == kTokenizerConfig || std::ranges::find(kTemplates, name) != std::end(kTemplates) ||
         name.starts_with("additional_chat_templates/");
}

bool is_tokenizer_file(std::string_view name) {
  return name == kTokenizerJson || travels_with_any_tokenizer(name) ||
         std::ranges::find(kSlowFiles, name) != std::end(kSlowFiles) || name.ends_with(".tiktoken");
}

std::string read_companion(const Source& source, std::string_view name) {
  const CompanionFile* const file = source.companion(name);
  return file == nullptr ? std::string() : file->read();
}

// A model's tokenizer and the text it views.
class LoadedTokenizer {
 public:
  explicit LoadedTokenizer(const Source& source) : text_(read_companion(source, kTokenizerJson)) {
    if (source.vocabulary() == nullptr) {
      throw CheckpointError(
          fmt::format("{}: there is no tokenizer.json, which a merge of vocabularies needs; make one with: python3 -c "
                      "\"from transformers import "
                      "AutoTokenizer; AutoTokenizer.from_pretrained('{}').save_pretrained('{}')\"",
                      source.label(), source.label(), source.label()));
    }
    const std::string config = read_companion(source, kTokenizerConfig);
    const std::string special = read_companion(source, "special_tokens_map.json");
    const std::string more = read_companion(source, "added_tokens.json");
    tokenizer_.emplace(
        text_, *source.vocabulary(),
        TokenizerText::Declared{.tokenizer_config = config, .special_tokens_map = special, .added_tokens = more},
        source.label());
  }
  LoadedTokenizer(const LoadedTokenizer&) = delete;
  LoadedTokenizer& operator=(const LoadedTokenizer&) = delete;

  TokenizerText& operator*() { return *tokenizer_; }
  TokenizerText* operator->() { return &*tokenizer_; }

 private:
  std::string text_;
  std::optional<TokenizerText> tokenizer_;
};

class VocabularyMerge {
 public:
  VocabularyMerge(const TokenizerSpec& spec, std::span<const TokenizerInput> inputs, std::size_t base,
                  const Source* chosen)
      : spec_(spec),
        inputs_(inputs),
        output_source_(spec.source == TokenizerSpec::Source::kModel ? *chosen : *inputs[base].source) {
    for (const TokenizerInput& input : inputs) tokenizers_.push_back(std::make_unique<LoadedTokenizer>(*input.source));
    (*tokenizers_[base])->cut(inputs[base].rows);
    output_ = std::make_unique<LoadedTokenizer>(output_source_);
    if (spec.source == TokenizerSpec::Source::kModel) return;
    (*output_)->cut(inputs[base].rows);
    if (spec.source == TokenizerSpec::Source::kUnion) unite(base);
  }

  MergedVocabulary make() {
    for (const auto& [token, rule] : spec_.tokens) {
      if (!output().id(token)) output().add({.content = token});
    }
    MergedVocabulary result;
    result.tokens = output().size();
    result.rows = result.tokens;
    if (spec_.pad_to_multiple_of && *spec_.pad_to_multiple_of > 0) {
      const std::int64_t multiple = *spec_.pad_to_multiple_of;
      result.rows = (result.tokens + multiple - 1) / multiple * multiple;
    }
    for (std::size_t model = 0; model < inputs_.size(); ++model)
      result.model_rows.push_back(rows_of(model, result.tokens));
    for (const auto& [token, rule] : spec_.tokens) {
      const std::int64_t id = output().id(token).value();
      result.overrides.insert_or_assign(id, override_of(token, rule, result.model_rows, id));
    }
    add_files(result);
    return result;
  }

 private:
  TokenizerText& output() { return **output_; }

  // Tokens with rows of their own only: what lies past a model's embedding means nothing there.
  void unite(std::size_t base) {
    std::vector<std::size_t> order{base};
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (i != base) order.push_back(i);
    }
    std::set<std::string, std::less<>> added_somewhere;
    for (const std::size_t i : order) {
      for (const auto& [id, token] : (*tokenizers_[i])->added()) {
        if (id < inputs_[i].rows) added_somewhere.insert(token.content);
      }
    }
    for (const std::size_t i : order) {
      const TokenizerText& tokenizer = **tokenizers_[i];
      const std::int64_t end = std::min(tokenizer.size(), inputs_[i].rows);
      for (std::int64_t id = 0; id < end; ++id) {
        const std::optional<std::string_view> token = tokenizer.token(id);
        if (!token || added_somewhere.contains(*token) || output().id(*token)) continue;
        output().add({.content = std::string(*token)});
      }
    }
    for (const std::size_t i : order) {
      for (const auto& [id, token] : (*tokenizers_[i])->added()) {
        if (id < inputs_[i].rows) output().add(token);
      }
    }
  }

  std::vector<std::int64_t> rows_of(std::size_t model, std::int64_t tokens) {
    const TokenizerText& tokenizer = **tokenizers_[model];
    std::vector<std::int64_t> rows(static_cast<std::size_t>(tokens), -1);
    for (std::int64_t id = 0; id < tokens; ++id) {
      const std::optional<std::string_view> token = output().token(id);
      const std::optional<std::int64_t> own = token ? tokenizer.id(*token) : std::nullopt;
      if (own && *own < inputs_[model].rows) rows[static_cast<std::size_t>(id)] = *own;
    }
    return rows;
  }

  [[noreturn]] static void refuse(const std::string& token, const TokenSpec& rule, const std::string& what) {
    throw RecipeError(fmt::format("{}tokenizer: tokens: {}: {}",
                                  rule.line > 0 ? fmt::format("line {}: ", rule.line) : "", quote_foreign(token),
                                  what));
  }

  std::size_t number_of(const std::string& token, const TokenSpec& rule) const {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].source->reference() == rule.model) return i;
    }
    std::vector<std::string> known;
    for (const TokenizerInput& input : inputs_) known.push_back(input.source->label());
    refuse(token, rule,
           fmt::format("model {} is not merged; it can be one of: {}", rule.model.text(), fmt::join(known, ", ")));
  }

  TokenOverride override_of(const std::string& token, const TokenSpec& rule,
                            const std::vector<std::vector<std::int64_t>>& model_rows, std::int64_t id) {
    TokenOverride result{.force = rule.force};
    if (rule.kind == TokenSpec::Kind::kDefault) return result;
    if (rule.kind == TokenSpec::Kind::kZero) {
      result.kind = TokenOverride::Kind::kZero;
      return result;
    }
    result.kind = TokenOverride::Kind::kRow;
    result.model = number_of(token, rule);
    const TokenizerInput& input = inputs_[result.model];
    const std::string& label = input.source->label();
    if (rule.kind == TokenSpec::Kind::kModel) {
      result.row = model_rows[result.model][static_cast<std::size_t>(id)];
      if (result.row < 0) refuse(token, rule, fmt::format("model {} has no such token", label));
      return result;
    }
    if (rule.token) {
      const std::optional<std::int64_t> row = (*tokenizers_[result.model])->id(*rule.token);
      if (!row) refuse(token, rule, fmt::format("model {} has no token {}", label, quote_foreign(*rule.token)));
      result.row = *row;
    } else {
      result.row = rule.token_id.value_or(-1);
    }
    if (result.row < 0 || result.row >= input.rows) {
      refuse(token, rule, fmt::format("model {} has no row {}, only 0 to {}", label, result.row, input.rows - 1));
    }
    return result;
  }

  // tokenizer_config.json lists the added tokens once more in files of transformers 4; one that stayed as it was would
  // bring tokens back that were cut.
  std::string config_text(const std::string& text) {
    checkpoint::Json config = checkpoint::parse_json(text, output_source_.label() + "/tokenizer_config.json");
    if (!config.contains("added_tokens_decoder")) return text;
    checkpoint::Json& decoder = config["added_tokens_decoder"] = checkpoint::Json::object();
    for (const auto& [id, token] : output().added()) {
      decoder[std::to_string(id)] = {{"content", token.content},         {"lstrip", token.lstrip},
                                     {"normalized", token.normalized},   {"rstrip", token.rstrip},
                                     {"single_word", token.single_word}, {"special", token.special}};
    }
    return config.dump(2) + "\n";
  }

  void add_files(MergedVocabulary& result) {
    std::set<std::string> replaced;
    const auto note_files = [&replaced](const Source& source) {
      for (const CompanionFile& file : source.companions()) {
        if (is_tokenizer_file(file.name)) replaced.insert(file.name);
      }
    };
    for (const TokenizerInput& input : inputs_) note_files(*input.source);
    note_files(output_source_);
    result.replaced.assign(replaced.begin(), replaced.end());
    const bool changed = output().changed();
    for (const CompanionFile& file : output_source_.companions()) {
      if (!is_tokenizer_file(file.name)) continue;
      if (!changed || (travels_with_any_tokenizer(file.name) && file.name != kTokenizerConfig)) {
        result.files.push_back(file);
      } else if (file.name == kTokenizerConfig) {
        result.files.push_back({.name = file.name, .path = {}, .contents = config_text(file.read())});
      } else if (file.name == kTokenizerJson) {
        result.files.push_back({.name = file.name, .path = {}, .contents = output().text()});
      }
    }
  }

  const TokenizerSpec& spec_;
  std::span<const TokenizerInput> inputs_;
  const Source& output_source_;
  std::vector<std::unique_ptr<LoadedTokenizer>> tokenizers_;
  std::unique_ptr<LoadedTokenizer> output_;
};

}  // namespace

MergedVocabulary merge_vocabularies(const TokenizerSpec& spec, std::span<const TokenizerInput> inputs, std::size_t base,
                                    const Source* chosen) {
  return VocabularyMerge(spec, inputs, base, chosen).make();
}

}  // namespace cambium::merge
