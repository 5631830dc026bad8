#include "checkpoint/gguf_vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "checkpoint/foreign_text.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

constexpr std::string_view kBlank = "\u2581";  // what SentencePiece writes for a blank
constexpr std::size_t kLongestToken = 2048;

// "[PAD151665]": a row of the embedding that no token has, filled by llama.cpp's converter.
bool is_filler(const GgufToken& token) {
  const std::string_view text = token.text;
  return token.kind == GgufTokenKind::kUnused && text.size() > 5 && text.starts_with("[PAD") && text.ends_with("]") &&
         std::ranges::all_of(text.substr(4, text.size() - 5), [](unsigned char c) { return std::isdigit(c) != 0; });
}

}  // namespace

GgufVocabulary::GgufVocabulary(const GgufMetadata& metadata, std::string_view where, bool gemma)
    : metadata_(metadata), where_(where) {
  const std::string model = metadata_.text("tokenizer.ggml.model").value_or("");
  if (model.empty() || metadata_.texts("tokenizer.ggml.tokens").empty()) {
    throw CheckpointError(fmt::format("{}: has no tokenizer (tokenizer.ggml.model, tokenizer.ggml.tokens)", where_));
  }
  if (model != "gpt2" && model != "llama") {
    throw CheckpointError(
        fmt::format("{}: key 'tokenizer.ggml.model' is {}; known are gpt2 (byte-level BPE) and llama "
                    "(SentencePiece BPE)",
                    where_, quote_foreign(model)));
  }
  sentence_piece_ = model == "llama";
  read_tokens();
  if (sentence_piece_ && gemma) restore_tab();
  index_tokens();
}

void GgufVocabulary::read_tokens() {
  const std::vector<std::string_view> texts = metadata_.texts("tokenizer.ggml.tokens");
  const std::vector<std::int64_t> kinds = metadata_.integers("tokenizer.ggml.token_type");
  const std::vector<double> scores = metadata_.numbers("tokenizer.ggml.scores");
  const auto check_size = [&](std::string_view key, std::size_t size) {
    if (size != 0 && size != texts.size()) {
      throw CheckpointError(
          fmt::format("{}: key '{}' has {} values, but there are {} tokens", where_, key, size, texts.size()));
    }
  };
  check_size("tokenizer.ggml.token_type", kinds.size());
  check_size("tokenizer.ggml.scores", scores.size());
  if (sentence_piece_ && scores.empty()) {
    throw CheckpointError(
        fmt::format("{}: has no tokenizer.ggml.scores; a SentencePiece vocabulary needs them", where_));
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    GgufToken token;
    token.text = texts[i];
    token.id = static_cast<std::int64_t>(i);
    if (!is_utf8(token.text) || token.text.size() > kLongestToken) {
      throw CheckpointError(fmt::format("{}: token {} is not UTF-8 or longer than {} bytes", where_, i, kLongestToken));
    }
    if (!kinds.empty()) {
      if (kinds[i] < 0 || kinds[i] > static_cast<std::int64_t>(GgufTokenKind::kByte)) {
        throw CheckpointError(fmt::format("{}: token {} is of type {}, expected 0 to 6", where_, i, kinds[i]));
      }
      token.kind = static_cast<GgufTokenKind>(kinds[i]);
    }
    if (!scores.empty()) token.score = scores[i];
    if (is_filler(token)) continue;
    restore_blanks(token);
    tokens_.push_back(std::move(token));
  }
}

void GgufVocabulary::index_tokens() {
  by_text_.reserve(tokens_.size());
  for (const GgufToken& token : tokens_) {
    const auto [other, is_new] = by_text_.emplace(token.text, &token);
    if (!is_new) {
      throw CheckpointError(
          fmt::format("{}: tokens {} and {} have the same text", where_, other->second->id, token.id));
    }
  }
}

// The converter writes user-defined runs of blanks as they stand in a text; the vocabulary has them as pieces.
void GgufVocabulary::restore_blanks(GgufToken& token) const {
  if (!sentence_piece_ || token.kind != GgufTokenKind::kUserDefined || token.text.empty() ||
      token.text.find_first_not_of(' ') != std::string::npos) {
    return;
  }
  const std::size_t count = token.text.size();
  token.text.clear();
  for (std::size_t i = 0; i < count; ++i) token.text += kBlank;
}

// Runs of tabs are tokens in Gemma's vocabulary, a single one is a byte. For runs to be merged from single ones,
// Gemma's tokenizer.json names that byte's token by its character.
void GgufVocabulary::restore_tab() {
  const auto is_run = [](const GgufToken& token) {
    return token.text.size() > 1 && token.text.find_first_not_of('\t') == std::string::npos;
  };
  if (std::ranges::find(tokens_, "\t", &GgufToken::text) != tokens_.end() || std::ranges::none_of(tokens_, is_run)) {
    return;
  }
  const auto tab = std::ranges::find(tokens_, "<0x09>", &GgufToken::text);
  if (tab == tokens_.end()) return;
  tab->text = "\t";
  tab->kind = GgufTokenKind::kNormal;
}

const GgufToken* GgufVocabulary::token(std::int64_t id) const {
  const auto found = std::ranges::lower_bound(tokens_, id, {}, &GgufToken::id);
  return found != tokens_.end() && found->id == id ? &*found : nullptr;
}

const GgufToken* GgufVocabulary::special(std::string_view name) const {
  if (const auto id = metadata_.integer(fmt::format("tokenizer.ggml.{}_token_id", name))) return token(*id);
  if (!sentence_piece_) return nullptr;
  return name == "bos" ? token(1) : name == "eos" ? token(2) : name == "unknown" ? token(0) : nullptr;
}

}  // namespace cambium::checkpoint
