#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "text/bpe_model.h"
#include "text/tokenizer_json.h"
#include "text/unigram_model.h"
#include "text/word_models.h"

namespace cambium::text {

namespace {

/// Ids above this are taken for damage: a table over all ids is kept.
constexpr std::int64_t kMostTokens = 1 << 24;
constexpr std::string_view kWordMark = "\xE2\x96\x81";  // sentencepiece's U+2581

/// The fields of a model as they stand in the file, whatever its kind.
struct ModelFields {
  TokenTable vocabulary;
  std::vector<double> scores;  // when the vocabulary is a list of (token, score)
  bool has_vocabulary = false;
  bool is_list = false;
  std::optional<JsonCursor> merges;  // stands before the list
  Json others = Json::object();
};

void read_token_map(JsonCursor& cursor, ModelFields& fields) {
  // A guess: a token with its id takes about 20 bytes of the file, and merges follow.
  constexpr std::size_t kBytesForToken = 40;
  fields.vocabulary.reserve(cursor.remaining() / kBytesForToken, cursor.remaining() / 4);
  std::string_view token;
  cursor.begin_object();
  while (cursor.next_key(token)) {
    // The key is gone once the number is read.
    const std::string name(token);
    const std::int64_t id = cursor.integer();
    if (id < 0 || id >= kMostTokens) {
      cursor.fail(fmt::format("model.vocab: '{}' has id {}, expected 0..{}", name, id, kMostTokens - 1));
    }
    if (fields.vocabulary.add(name, static_cast<TokenId>(id))) continue;
    const auto other = fields.vocabulary.token(static_cast<TokenId>(id));
    if (other) cursor.fail(fmt::format("model.vocab: id {} belongs to '{}' and to '{}'", id, *other, name));
    cursor.fail(fmt::format("model.vocab: the token '{}' comes twice", name));
  }
}

void read_scored_tokens(JsonCursor& cursor, ModelFields& fields) {
  fields.is_list = true;
  cursor.begin_array();
  while (cursor.next_item()) {
    cursor.begin_array();
    if (!cursor.next_item()) cursor.fail("model.vocab: expected a token and its score");
    const std::string token(cursor.string());
    if (!cursor.next_item()) cursor.fail("model.vocab: expected a token and its score");
    const double score = cursor.number();
    if (cursor.next_item()) cursor.fail("model.vocab: expected a token and its score");
    if (fields.scores.size() >= static_cast<std::size_t>(kMostTokens)) cursor.fail("model.vocab: too many tokens");
    fields.vocabulary.add_again(token, static_cast<TokenId>(fields.scores.size()));
    fields.scores.push_back(score);
  }
}

/// Reads pairs of tokens, each "a b" or ["a", "b"], in the order in which they join.
class MergeReader {
 public:
  MergeReader(JsonCursor& cursor, const TokenTable& vocabulary, std::string_view prefix)
      : cursor_(cursor), vocabulary_(vocabulary), prefix_(prefix) {}

  MergeTable read() {
    cursor_.begin_array();
    while (cursor_.next_item()) {
      if (cursor_.peek() == JsonCursor::Kind::kString) {
        const std::string_view pair = cursor_.string();
        // The first line of a merges.txt, which some converters kept.
        if (pair.starts_with("#version")) continue;
        const std::size_t space = pair.find(' ');
        if (space == std::string_view::npos || pair.find(' ', space + 1) != std::string_view::npos) {
          fail(fmt::format("'{}' is not two tokens with a space between", pair));
        }
        left_.assign(pair, 0, space);
        right_.assign(pair, space + 1);
      } else {
        cursor_.begin_array();
        read_part(left_);
        read_part(right_);
        if (cursor_.next_item()) fail("expected two tokens");
      }
      add();
    }
    return std::move(merges_);
  }

  /// Some pair joins a token that starts with the word mark to one that does not end with it.
  [[nodiscard]] bool crosses_marks() const { return crosses_marks_; }

 private:
  [[noreturn]] void fail(std::string_view message) const {
    cursor_.fail(fmt::format("model.merges[{}]: {}", rank_, message));
  }

  void read_part(std::string& into) {
    if (!cursor_.next_item()) fail("expected two tokens");
    into = cursor_.string();
  }

  [[nodiscard]] TokenId id_of(std::string_view token) const {
    const auto id = vocabulary_.find(token);
    if (!id) fail(fmt::format("'{}' is not in the vocabulary", token));
    return *id;
  }

  void add() {
    const TokenId left = id_of(left_);
    const TokenId right = id_of(right_);
    crosses_marks_ = crosses_marks_ || (right_.starts_with(kWordMark) && !left_.ends_with(kWordMark));
    if (right_.size() < prefix_.size()) fail(fmt::format("'{}' lacks the prefix '{}'", right_, prefix_));
    left_.append(right_, prefix_.size());
    merges_.add(left, right, {rank_, id_of(left_)});
    ++rank_;
  }

  JsonCursor& cursor_;
  const TokenTable& vocabulary_;
  std::string_view prefix_;
  MergeTable merges_;
  std::uint32_t rank_ = 0;
  bool crosses_marks_ = false;
  std::string left_;
  std::string right_;
};

std::unique_ptr<TokenModel> make_bpe(ModelFields& fields, const JsonPart& part, std::vector<std::string>& notes) {
  BpeModel::Options options;
  if (part.has("unk_token")) options.unknown = part.string("unk_token");
  options.fuse_unknown = part.boolean("fuse_unk", false);
  options.byte_fallback = part.boolean("byte_fallback", false);
  options.whole_words = part.boolean("ignore_merges", false);
  options.continuing_prefix = part.string("continuing_subword_prefix", "");
  options.end_suffix = part.string("end_of_word_suffix", "");
  if (part.has("dropout")) {
    notes.push_back(fmt::format("{}: model.dropout is ignored; encoding is not random", part.file()));
  }
  if (!fields.merges) part.fail("'merges' is missing");
  MergeReader reader(*fields.merges, fields.vocabulary, options.continuing_prefix);
  MergeTable merges = reader.read();
  auto model = std::make_unique<BpeModel>(std::move(fields.vocabulary), std::move(merges), std::move(options));
  if (!reader.crosses_marks()) model->set_boundary(std::string(kWordMark));
  return model;
}

std::unique_ptr<TokenModel> make_unigram(ModelFields& fields, const JsonPart& part) {
  if (!fields.is_list) part.fail("'vocab' of a Unigram model must be a list of tokens with their scores");
  std::optional<TokenId> unknown;
  if (part.has("unk_id")) {
    const std::int64_t id = part.integer("unk_id", 0);
    if (id < 0 || id >= static_cast<std::int64_t>(fields.scores.size())) {
      part.fail(fmt::format("unk_id is {}, but the vocabulary has {} tokens", id, fields.scores.size()));
    }
    unknown = static_cast<TokenId>(id);
  }
  return std::make_unique<UnigramModel>(std::move(fields.vocabulary), std::move(fields.scores), unknown,
                                        part.boolean("byte_fallback", false));
}

std::unique_ptr<TokenModel> make_word_piece(ModelFields& fields, const JsonPart& part) {
  const std::int64_t longest = part.integer("max_input_chars_per_word", 100);
  if (longest < 0) part.at("max_input_chars_per_word").fail("must not be negative");
  return std::make_unique<WordPieceModel>(std::move(fields.vocabulary), part.string("unk_token", "[UNK]"),
                                          part.string("continuing_subword_prefix", "##"),
                                          static_cast<std::size_t>(longest));
}

constexpr std::array<std::string_view, 4> kKinds{"BPE", "Unigram", "WordLevel", "WordPiece"};

/// Files from before the field existed do not name the kind.
std::string kind_of(const ModelFields& fields, const JsonPart& part) {
  if (part.has("type")) return part.type();
  if (fields.is_list) return "Unigram";
  if (fields.merges) return "BPE";
  if (part.has("max_input_chars_per_word") || part.has("continuing_subword_prefix")) return "WordPiece";
  return "WordLevel";
}

}  // namespace

std::unique_ptr<TokenModel> model_from_json(JsonCursor& cursor, std::vector<std::string>& notes) {
  ModelFields fields;
  std::string_view key;
  cursor.begin_object();
  while (cursor.next_key(key)) {
    const std::string name(key);
    if (name == "vocab") {
      if (fields.has_vocabulary) cursor.fail("model.vocab comes twice");
      fields.has_vocabulary = true;
      if (cursor.peek() == JsonCursor::Kind::kArray) {
        read_scored_tokens(cursor, fields);
      } else {
        read_token_map(cursor, fields);
      }
    } else if (name == "merges") {
      // Read once all other fields are known.
      fields.merges = cursor;
      (void)cursor.skip();
    } else {
      if (fields.others.contains(name)) cursor.fail(fmt::format("model.{} comes twice", name));
      fields.others[name] = read_tree(cursor);
    }
  }
  const JsonPart part(fields.others, cursor.where(), "model");
  const std::string kind = kind_of(fields, part);
  if (std::ranges::find(kKinds, kind) == kKinds.end()) part.unknown("model", kind, {kKinds.begin(), kKinds.end()});
  if (!fields.has_vocabulary) part.fail("'vocab' is missing");
  if (kind == "Unigram") return make_unigram(fields, part);
  if (fields.is_list) part.fail(fmt::format("'vocab' of a {} model must be an object", kind));
  if (kind == "BPE") return make_bpe(fields, part, notes);
  if (kind == "WordPiece") return make_word_piece(fields, part);
  return std::make_unique<WordLevelModel>(std::move(fields.vocabulary), part.string("unk_token", "<unk>"));
}

}  // namespace cambium::text
