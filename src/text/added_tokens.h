#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "text/byte_trie.h"
#include "text/normalizer.h"
#include "text/piece_list.h"

namespace cambium::text {

/// A token that is cut out of the text before anything else looks at it.
struct AddedToken {
  std::string content;
  bool single_word = false;  // only with no word character on either side
  bool lstrip = false;       // takes the white space in front with it
  bool rstrip = false;       // ... and behind
  bool normalized = true;    // looked for in the normalized text, by its normalized form
  bool special = false;      // left out by decode(..., skip_special)
  friend bool operator==(const AddedToken&, const AddedToken&) = default;
};

/// The added tokens of a tokenizer: their ids, and where they stand in a text (of all that start at a place the
/// longest, scanning from the left).
class AddedTokens {
 public:
  /// Adds a token: it keeps its id if the model or an earlier token has the string, else takes the next free one above
  /// the vocabulary, in the order of the calls. One that is there with the same properties, or is empty, changes
  /// nothing.
  /// @return  its id, or -1 for an empty token
  TokenId add(const AddedToken& token, const TokenTable& vocabulary);

  /// Prepares the search; call it after the last add. Tokens of a normalized form are looked for by what `normalizer`
  /// (may be null) makes of them.
  void prepare(const Normalizer* normalizer);

  /// A part of a text: an added token, or (id < 0) what lies between two.
  struct Part {
    std::size_t begin;
    std::size_t end;
    TokenId id;
  };
  /// Cuts a text at the tokens that are looked for before (or, `normalized`, after) normalization. Appends to `parts`.
  void cut(std::string_view text, bool normalized, std::vector<Part>& parts) const;
  /// False if cut would find nothing in any text.
  [[nodiscard]] bool any(bool normalized) const { return !(normalized ? normalized_ : plain_).empty(); }

  /// Cuts the pieces at the tokens that are looked for after normalization.
  void cut_normalized(PieceList& list) const;

  /// The token's string, for one that is looked for after normalization its normalized form; null for an id that none
  /// has.
  [[nodiscard]] const std::string* token(TokenId id) const {
    return id >= 0 && static_cast<std::size_t>(id) < shown_.size() ? shown_[static_cast<std::size_t>(id)] : nullptr;
  }
  [[nodiscard]] std::optional<TokenId> id(std::string_view token) const;
  /// True if the string was added as a special token.
  [[nodiscard]] bool is_special(std::string_view token) const { return special_.contains(std::string(token)); }
  /// Ids with their tokens, unordered.
  [[nodiscard]] const std::unordered_map<TokenId, AddedToken>& by_id() const { return by_id_; }
  /// Highest id + 1, or 0.
  [[nodiscard]] std::size_t id_bound() const { return static_cast<std::size_t>(highest_ + 1); }

 private:
  TokenId highest_ = -1;
  std::unordered_map<std::string, TokenId> ids_;
  std::unordered_map<TokenId, AddedToken> by_id_;
  std::unordered_set<std::string> special_;
  std::vector<std::string> special_order_;  // the searched tokens: special ones first, each in the order of the calls
  std::vector<std::string> other_order_;
  ByteTrie plain_;
  ByteTrie normalized_;
  std::unordered_map<TokenId, std::string> normalized_forms_;
  std::vector<const std::string*> shown_;  // by id, null where no added token has it
};

/// White space at the ends of a text, in characters.
[[nodiscard]] std::uint32_t leading_white_space(std::string_view text);
[[nodiscard]] std::uint32_t trailing_white_space(std::string_view text);

}  // namespace cambium::text
