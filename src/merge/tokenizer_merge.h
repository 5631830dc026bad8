#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "merge/recipe.h"
#include "merge/source.h"

namespace cambium::merge {

/// A model's part in the vocabulary of a merge.
struct TokenizerInput {
  const Source* source = nullptr;  ///< label, vocabulary, tokenizer files
  std::int64_t rows = 0;           ///< rows of its embedding: a token with a higher id has no row in this model
};

/// What `tokens:` says of one token: where its row comes from in models that lack it, or (force) in all.
struct TokenOverride {
  enum class Kind : std::uint8_t { kDefault, kZero, kRow };
  Kind kind = Kind::kDefault;
  std::size_t model = 0;  ///< kRow: index into the inputs
  std::int64_t row = 0;   ///< kRow: of that model's embedding
  bool force = false;
};

/// The vocabulary of a merge's output, and where the models have its rows.
struct MergedVocabulary {
  std::int64_t tokens = 0;  ///< highest id + 1: rows that hold tokens
  std::int64_t rows = 0;    ///< with the padding of pad_to_multiple_of
  /// For each input, for each token: the row of that model's embedding, or -1 if it lacks the token.
  std::vector<std::vector<std::int64_t>> model_rows;
  std::map<std::int64_t, TokenOverride> overrides;  ///< by token id
  /// The tokenizer's files of the output, complete, and the names of all tokenizer files they replace in a folder made
  /// after another model (vocab.json, merges.txt, tokenizer.model ... where tokenizer.json was changed).
  std::vector<CompanionFile> files;
  std::vector<std::string> replaced;
};

/// Makes the output's vocabulary as mergekit does: `base`, a model's, or `union` = the base's tokens, then the other
/// models' unknown regular tokens, then their unknown added tokens; then tokens that only `tokens:` names.
///
/// @param spec    the recipe's tokenizer_source / tokenizer
/// @param inputs  every model of the recipe, base first
/// @param base    index in `inputs` of the model whose tokenizer is the base
/// @param chosen  spec.source == kModel: the model whose tokenizer it is (may be none of `inputs`); else null
/// @throws RecipeError      a `tokens:` entry names a model that is not merged, or a token or row it does not have
/// @throws CheckpointError  a model has no tokenizer.json; the base's has tokens without a row in the model and is no
/// BPE Cost: one pass over each vocabulary; tokenizer.json is edited as text, its vocabulary never unfolded.
[[nodiscard]] MergedVocabulary merge_vocabularies(const TokenizerSpec& spec, std::span<const TokenizerInput> inputs,
                                                  std::size_t base, const Source* chosen);

}  // namespace cambium::merge
