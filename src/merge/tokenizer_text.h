#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "checkpoint/json.h"
#include "checkpoint/vocabulary.h"

namespace cambium::merge {

/// A token that is looked for before text is split, with its switches as tokenizer.json has them.
struct AddedToken {
  std::string content;
  bool single_word = false;
  bool lstrip = false;
  bool rstrip = false;
  bool normalized = true;
  bool special = false;
};

/// A model's tokenizer whose vocabulary may be cut and extended, as transformers sees it: the tokens of tokenizer.json,
/// and those that the small files beside it declare (a pad token, say) and tokenizer.json lacks, which get the next
/// free ids.
class TokenizerText {
 public:
  /// The files beside tokenizer.json; an empty text for one that is not there.
  struct Declared {
    std::string_view tokenizer_config;    ///< tokenizer_config.json
    std::string_view special_tokens_map;  ///< special_tokens_map.json
    std::string_view added_tokens;        ///< added_tokens.json
  };
  /// @param text   tokenizer.json, already parsed into `vocabulary`; both must outlive this
  /// @param where  the model's name for messages
  /// @throws CheckpointError  a malformed file
  TokenizerText(std::string_view text, const checkpoint::Vocabulary& vocabulary, const Declared& declared,
                std::string where);

  [[nodiscard]] const std::string& where() const { return where_; }
  /// Highest id + 1.
  [[nodiscard]] std::int64_t size() const;
  [[nodiscard]] std::optional<std::string_view> token(std::int64_t id) const;
  [[nodiscard]] std::optional<std::int64_t> id(std::string_view token) const;
  /// By id.
  [[nodiscard]] const std::map<std::int64_t, AddedToken>& added() const { return added_; }

  /// Drops the tokens with ids from `rows` on: the model has no row for them.
  /// @throws CheckpointError  there are some, and the tokenizer is no BPE (as in mergekit: only there merges tell what
  /// depends on them)
  void cut(std::int64_t rows);
  /// Adds a token at the next free id. A token of the vocabulary keeps its id and is looked for before splitting from
  /// now on; an added one stays as it is. Returns its id.
  std::int64_t add(AddedToken token);

  /// Does tokenizer.json have to be written anew?
  [[nodiscard]] bool changed() const { return changed_; }
  /// tokenizer.json with the changes. Cost: a copy; the vocabulary is walked over only if it was cut.
  [[nodiscard]] std::string text() const;

 private:
  [[nodiscard]] std::int64_t count_model_tokens() const;
  void read_added();
  void add_declared(const Declared& declared);
  void add_special_keys(const checkpoint::Json& file);
  void add_special(const checkpoint::Json& value);
  [[nodiscard]] std::string model_text(std::string_view model) const;
  [[nodiscard]] bool was_cut(std::string_view token) const;

  std::string_view text_;
  const checkpoint::Vocabulary* vocabulary_;
  std::string where_;
  std::int64_t limit_ = 0;         // ids of vocabulary_ from here on are dropped
  std::int64_t model_tokens_ = 0;  // tokens in model.vocab
  std::map<std::int64_t, AddedToken> added_;
  std::unordered_map<std::string, std::int64_t> appended_;  // ids of tokens that tokenizer.json does not have
  bool cut_ = false;
  bool changed_ = false;
};

}  // namespace cambium::merge
