#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/encoding.h"
#include "text/normalizer.h"
#include "text/piece_list.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"
#include "text/token_decoder.h"
#include "text/token_model.h"
#include "text/word_cache.h"

namespace cambium::text {

/// The parts of a tokenizer, put together by whoever reads its file. Safe to use from several threads at once.
///
/// Text goes through: added tokens cut out, then for each stretch between them normalizer, added tokens of normalized
/// form, pre-tokenizer, model; at last the post-processor.
class Pipeline {
 public:
  Pipeline();
  virtual ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  NormalizerPtr normalizer;       // may be null
  PreTokenizerPtr pre_tokenizer;  // may be null
  std::unique_ptr<TokenModel> model;
  AddedTokens added;
  PostProcessorPtr post_processor;  // may be null
  TokenDecoderPtr decoder;          // null: tokens are joined by spaces
  std::vector<std::string> notes;

  /// Appends the tokens of one text, without the special ones around it.
  /// @throws ValueError  not UTF-8, or longer than 4 GiB
  void encode(std::string_view text, bool with_offsets, RawEncoding& out) const;

  [[nodiscard]] std::string decode(std::span<const TokenId> ids, bool skip_special) const;

  /// The token's string as the vocabulary spells it.
  [[nodiscard]] std::optional<std::string_view> token(TokenId id) const;
  [[nodiscard]] std::optional<TokenId> id(std::string_view token) const;
  /// Highest id + 1.
  [[nodiscard]] std::size_t vocabulary_size() const;

 protected:
  struct Workspace;

  /// Appends the tokens of a stretch that holds no added token of plain form.
  /// @param first  index of its first character in the whole text
  virtual void encode_stretch(std::string_view text, std::uint32_t first, bool with_offsets, Workspace& workspace,
                              RawEncoding& out) const;
  /// Joins the strings of tokens to text.
  [[nodiscard]] virtual std::string decode_tokens(std::vector<std::string>& tokens) const;

 private:
  class Lease;
  template <bool kOffsets>
  void encode_pieces(Workspace& workspace, RawEncoding& out) const;

  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Workspace>> idle_;
};

}  // namespace cambium::text
