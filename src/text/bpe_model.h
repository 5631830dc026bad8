#pragma once

#include <array>
#include <optional>
#include <string>

#include "text/merge_table.h"
#include "text/token_model.h"

namespace cambium::text {

/// Byte-pair encoding: a word starts as its characters, then the pair with the lowest rank is joined (the leftmost of
/// equals), until no pair joins. Source: arXiv:1508.07909; the order of ties and of unknown characters as in Hugging
/// Face's `tokenizers`.
///
/// Cost: O(n^2) with small constants for words of up to 32 symbols, O(n log n) with a heap above; no allocation once
/// warm.
class BpeModel final : public TokenModel {
 public:
  struct Options {
    std::optional<std::string> unknown;  // token of characters outside the vocabulary; without one they vanish
    bool fuse_unknown = false;           // neighbouring unknown characters become one token
    bool byte_fallback =
        false;  // a character outside the vocabulary becomes the tokens <0xXX> of its bytes, if all exist
    bool whole_words = false;       // `ignore_merges`: a word that is in the vocabulary is taken whole
    std::string continuing_prefix;  // written in front of every symbol but the first ("##")
    std::string end_suffix;         // written behind the last symbol ("</w>")
  };

  BpeModel(TokenTable vocabulary, MergeTable merges, Options options);

  [[nodiscard]] std::unique_ptr<Scratch> make_scratch() const override;
  void tokenize(std::string_view word, Scratch& scratch, std::vector<WordToken>& out) const override;
  [[nodiscard]] std::string_view boundary() const override { return boundary_; }
  /// Declares that no merge joins something else with what starts with `mark`. @see TokenModel::boundary
  void set_boundary(std::string mark);
  [[nodiscard]] bool can_map_bytes() const override {
    return !options_.byte_fallback && options_.continuing_prefix.empty() && options_.end_suffix.empty();
  }
  void map_bytes() override;

 private:
  struct Symbol {
    TokenId id;
    std::uint32_t bytes;
  };
  class Work;

  [[nodiscard]] TokenId character_id(char32_t character, std::string_view bytes) const;
  void add_characters(std::string_view word, std::vector<Symbol>& symbols) const;
  [[nodiscard]] bool add_fallback(std::string_view symbol, std::vector<Symbol>& symbols) const;
  void merge(Work& work) const;
  void merge_few(Work& work) const;
  void merge_many(Work& work) const;
  void tokenize_spelled(std::string_view word, Work& work, std::vector<WordToken>& out) const;

  MergeTable merges_;
  Options options_;
  ByteTokens byte_tokens_;
  std::optional<TokenId> unknown_;
  std::vector<TokenId> character_ids_;  // of the first 65,536 characters
  std::array<TokenId, 256> byte_ids_{};
  bool maps_bytes_ = false;
  std::string boundary_;
};

}  // namespace cambium::text
