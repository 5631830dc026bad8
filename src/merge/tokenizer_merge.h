#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/vocabulary.h"
#include "merge/recipe.h"
#include "merge/source.h"

namespace cambium::merge {

/// A model's part in the vocabulary of a merge.
struct TokenizerInput {
  const Source* source = nullptr;  ///< label, vocabulary (null: taken to be the base's), tokenizer files
  std::int64_t rows = 0;           ///< rows of its embedding: a token with a higher id has no row in this model
};

/// Where the row of a token comes from in a model that has no row for it (or where the recipe forces it).
struct TokenFallback {
  enum class Kind : std::uint8_t {
    kZero,
    kRow,   ///< row `row` of model `model`
    kMean,  ///< mean of the rows of all models that have the token
  };
  Kind kind = Kind::kZero;
  std::size_t model = 0;  ///< index into the inputs
  std::int64_t row = 0;
};

/// The vocabulary of a merge's output and the way its rows are filled.
struct MergedVocabulary {
  std::int64_t tokens = 0;  ///< highest id + 1: rows that hold tokens
  std::int64_t rows = 0;  ///< with padding; padded rows are the mean of the others (of each model's own gathered rows)
  /// For each input, for each token: the model's row, or -1 (the model lacks the token, or the recipe forces another
  /// row).
  std::vector<std::vector<std::int64_t>> own_rows;
  /// For each token.
  std::vector<TokenFallback> fallback;
  /// The tokenizer's files of the output, complete: they replace all tokenizer files of the model the output is made
  /// after (names not listed here, such as vocab.json, are dropped if `replaced` names them).
  std::vector<CompanionFile> files;
  std::vector<std::string> replaced;
};

/// Makes the output's vocabulary as mergekit does: `base`, a model's, or `union` = the base's tokens, then the other
/// models' unknown regular tokens, then their unknown added tokens; then tokens that only `tokens:` names.
///
/// @param spec    the recipe's tokenizer_source / tokenizer
/// @param inputs  the models merged, in the recipe's order
/// @param base    index of the base in `inputs` (of the first input if the recipe names no base)
/// @param has_base  the recipe names a base: its row is then the fallback of a token that several models know
/// @param chosen  spec.source == kModel: the model whose tokenizer it is (may be none of `inputs`); else null
/// @throws RecipeError      a `tokens:` entry names a model that is not merged, or a token or row it does not have
/// @throws CheckpointError  a tokenizer that must be extended is not a tokenizer.json of a known kind
/// Cost: one pass over each vocabulary; tokenizer.json is edited as text, its vocabulary never unfolded.
[[nodiscard]] MergedVocabulary merge_vocabularies(const TokenizerSpec& spec, std::span<const TokenizerInput> inputs,
                                                  std::size_t base, bool has_base, const Source* chosen);

}  // namespace cambium::merge
