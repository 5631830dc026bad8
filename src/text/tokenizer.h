#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/encoding.h"

namespace cambium {
class Workers;
}

namespace cambium::text {

class Pipeline;

/// The tokens with a role of their own, as tokenizer_config.json, special_tokens_map.json and config.json name them.
struct SpecialTokens {
  std::optional<TokenId> bos;
  std::optional<TokenId> eos;
  std::optional<TokenId> unk;
  std::optional<TokenId> pad;
  std::optional<TokenId> cls;
  std::optional<TokenId> sep;
  std::optional<TokenId> mask;
};

/// Text to tokens and back: whatever a model folder brings (tokenizer.json, sentencepiece's tokenizer.model,
/// tekken.json), with the ids, offsets and decoded text of Hugging Face's `tokenizers`. Immutable once loaded; every
/// method may be called from several threads at once.
///
/// Cost: about 20-100 MB/s a thread for byte-level models, words that came before are looked up; time and memory are
/// linear in the text (n log n in a single word), whatever it holds.
class Tokenizer {
 public:
  struct Options {
    bool add_special = true;   // put the tokens around the text that the model expects (<s>, [CLS] ...)
    bool with_offsets = true;  // Encoding::offsets; without them encoding is faster
  };

  /// Loads from a model folder: tokenizer.json, else tokenizer.model (or another *.model), else tekken.json. Reads
  /// added tokens, the roles of special tokens and add_bos_token / add_eos_token from tokenizer_config.json
  /// (special_tokens_map.json, config.json) if present.
  /// @throws CheckpointError  no such file, malformed, or a part of a kind that is not known; the message names file
  /// and part
  [[nodiscard]] static Tokenizer from_folder(const std::filesystem::path& folder);
  /// Loads one file by its name: *.model is sentencepiece's, any other is JSON (tokenizer.json or tekken.json, told
  /// apart by content).
  [[nodiscard]] static Tokenizer from_file(const std::filesystem::path& file);
  /// Reads the text of a tokenizer.json. @param where  its name for messages
  [[nodiscard]] static Tokenizer from_json(std::string_view json, std::string_view where);

  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  /// @throws ValueError  the text is not UTF-8 or longer than 1 GiB, or has a character the model cannot represent (no
  /// unknown token)
  [[nodiscard]] Encoding encode(std::string_view text, Options options) const;
  [[nodiscard]] Encoding encode(std::string_view text) const { return encode(text, Options{}); }
  /// Two texts as one sequence (a question and its context), put together by the tokenizer's own template.
  [[nodiscard]] Encoding encode_pair(std::string_view first, std::string_view second, Options options) const;
  /// The ids alone.
  [[nodiscard]] std::vector<TokenId> ids(std::string_view text, bool add_special = true) const;
  /// Many texts, shared out over the threads; results in the order of the texts.
  [[nodiscard]] std::vector<Encoding> encode_batch(std::span<const std::string> texts, Options options,
                                                   Workers& workers) const;

  /// Text of the tokens; ids that no token has are passed over. Bytes that are not UTF-8 come out as U+FFFD.
  /// @param skip_special  leave out special tokens
  [[nodiscard]] std::string decode(std::span<const TokenId> ids, bool skip_special = false) const;

  /// A token's string as the vocabulary spells it ("Ġthe", "▁the", "<0x0A>"); nothing for an id that no token has.
  [[nodiscard]] std::optional<std::string> token(TokenId id) const;
  [[nodiscard]] std::optional<TokenId> id(std::string_view token) const;
  /// Whether decode(..., skip_special) leaves the token out.
  [[nodiscard]] bool is_special(TokenId id) const;
  /// Highest id + 1, added tokens included: what a model's embedding must have rows for.
  [[nodiscard]] std::size_t vocabulary_size() const;

  [[nodiscard]] const SpecialTokens& special_tokens() const { return special_tokens_; }
  /// The special tokens put in front of and behind a single text.
  [[nodiscard]] const std::vector<TokenId>& prefix() const { return prefix_; }
  [[nodiscard]] const std::vector<TokenId>& suffix() const { return suffix_; }
  /// What the files ask for and is not done (truncation, padding, dropout), and what is odd about them.
  [[nodiscard]] const std::vector<std::string>& notes() const;
  /// Whether the token at the end of a stream may still change its text with the next one. @see StreamDecoder
  [[nodiscard]] bool awaits_more(TokenId id) const;

 private:
  explicit Tokenizer(std::unique_ptr<Pipeline> pipeline);
  void learn_frame();

  std::unique_ptr<Pipeline> pipeline_;
  SpecialTokens special_tokens_;
  std::vector<TokenId> prefix_;
  std::vector<TokenId> suffix_;
};

}  // namespace cambium::text
