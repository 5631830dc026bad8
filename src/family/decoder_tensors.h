#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "family/model_description.h"

namespace cambium::family {

struct DecoderFamily;

/// Where a decoder's tensors are in a file.
struct LanguagePlace {
  std::string layout{};
  std::string body{};          ///< in front of the decoder's patterns: "language_model.model."
  std::string head{};          ///< module of the head: "language_model.lm_head"
  std::string saved_body{};    ///< what `body` would be in the layout that transformers saves today
  std::string strip{};         ///< see LanguageRoot::strip
  bool head_optional = false;  ///< the bare model without its head
};

/// What the file lacks of what its config promises.
struct DecoderFaults {
  std::vector<std::string> missing;         ///< names
  std::vector<std::string> contradictions;  ///< "tensor 'x' has shape [..], expected [..]"
  bool head_missing = false;                ///< not among `missing`: whether it may be depends on tying
};

/// Finds a decoder's tensors by its family's patterns and gives them their roles.
///
/// @param roles  one for each tensor of the file, sorted by name, name and shape filled in; those of the language are
/// completed,
///               also those below the place's body that no pattern names (Role::kOther, kBuffer or kCrossAttention)
/// @param inserted  numbers of the inserted layers, ascending
/// Cost: O(patterns x layers x log tensors).
[[nodiscard]] DecoderFaults match_decoder(const DecoderFamily& decoder, const LanguageConfig& language,
                                          const std::vector<int>& inserted, const LanguagePlace& place,
                                          std::span<TensorRole> roles);

/// The place's name of the embedding, by which a layout is told.
[[nodiscard]] std::string embedding_name(const DecoderFamily& decoder, const LanguagePlace& place);
/// Number of the tensor called `name` in `roles` (sorted by name), or roles.size().
[[nodiscard]] std::size_t index_of(std::span<const TensorRole> roles, std::string_view name);
/// A table that is computed and not learned: rotary inv_freq, position_ids, GPT-2's and GPT-NeoX's causal masks.
[[nodiscard]] bool is_buffer(const TensorRole& tensor);
/// The number behind "layers.", "blocks.", "layer.", "h." or "resblocks." in a name; -1 if there is none.
[[nodiscard]] int layer_in(std::string_view name);

}  // namespace cambium::family
