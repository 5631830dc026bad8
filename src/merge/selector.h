#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "family/model_description.h"

namespace cambium::merge {

/// What a selector may ask of a tensor (or of one attention head of it).
struct TensorAspect {
  std::string_view name;                     ///< as in the file
  const family::TensorRole* role = nullptr;  ///< null when no family describes the tensor
  std::optional<int> head = std::nullopt;    ///< number of the head, counted in this tensor
};

/// Picks tensors by words: terms separated by blanks must all hold.
///
///   self_attn            the name holds these letters (with * or ? the whole name fits the pattern)
///   role:query,key       what the tensor does (family::Role; also Llama's words: q_proj, down_proj ...)
///   module:attention     attention, mlp, norm, embedding, head
///   part:language        language, vision_tower, audio_tower, projector, cross_attention, other
///   layers:0-7,31        number of the layer
///   heads:0-3            only these heads of a projection (k and v count their own heads)
///
/// A term that asks for something the tensor does not have (a layer of the final norm) does not hold.
class Selector {
 public:
  /// @throws RecipeError  an unknown kind of term or word (the known ones are named), a bad range; `where` opens the
  /// message
  [[nodiscard]] static Selector parse(std::string_view text, std::string_view where);

  [[nodiscard]] bool matches(const TensorAspect& aspect) const;
  /// Some term asks for heads: the tensor has to be looked at head by head.
  [[nodiscard]] bool asks_for_heads() const;

 private:
  enum class Kind : std::uint8_t { kSubstring, kPattern, kRole, kModule, kPart, kLayers, kHeads };
  using Range = std::pair<std::int64_t, std::int64_t>;
  struct Term {
    Kind kind = Kind::kSubstring;
    std::string text;
    std::vector<std::string> words;
    std::vector<Range> ranges;
  };
  [[nodiscard]] static bool holds(const Term& term, const TensorAspect& aspect);
  std::vector<Term> terms_;
};

/// attention, mlp, norm, embedding, head, or nothing for tensors of other parts.
[[nodiscard]] std::string_view module_of(family::Role role);

/// Alternatives: does any of them match? (An empty list matches nothing.)
[[nodiscard]] bool any_matches(const std::vector<Selector>& selectors, const TensorAspect& aspect);

}  // namespace cambium::merge
