#include "family/decoder_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "family/decoder_family.h"

namespace cambium::family {
namespace {

std::string with_number(std::string_view pattern, std::int64_t number) {
  const std::size_t hole = pattern.find("{}");
  if (hole == std::string_view::npos) return std::string(pattern);
  return fmt::format("{}{}{}", pattern.substr(0, hole), number, pattern.substr(hole + 2));
}

// Size of a dimension, -1 where anything goes.
std::int64_t size_of(Dim dim, const DecoderFamily& decoder, const LanguageConfig& language) {
  switch (dim) {
    case Dim::kNone:
    case Dim::kAny:
      return -1;
    case Dim::kHidden:
      return language.hidden_size;
    case Dim::kIntermediate:
      return language.intermediate_size;
    case Dim::kTwiceIntermediate:
      return 2 * language.intermediate_size;
    case Dim::kQueries:
      return language.num_heads * language.head_dim;
    case Dim::kKeys:
      return language.num_kv_heads * language.head_dim;
    case Dim::kQueriesKeysValues:
      return (language.num_heads + 2 * language.num_kv_heads) * language.head_dim;
    case Dim::kHeadDim:
      return language.head_dim;
    case Dim::kVocabulary:
      return language.vocab_size;
    case Dim::kEmbeddingRows:
      return language.vocab_size + decoder.extra_embedding_rows;
  }
  return -1;
}

Shape expected_shape(const TensorPattern& pattern, bool bias, const DecoderFamily& decoder,
                     const LanguageConfig& language) {
  Shape shape{size_of(pattern.shape[0], decoder, language)};
  if (!bias && pattern.shape[1] != Dim::kNone) {
    shape.push_back(size_of(pattern.shape[1], decoder, language));
    if (pattern.transposed) std::swap(shape[0], shape[1]);
  }
  return shape;
}

bool fits(const Shape& found, const Shape& expected) {
  return std::ranges::equal(found, expected,
                            [](std::int64_t have, std::int64_t want) { return want < 0 || have == want; });
}

std::optional<HeadGeometry> heads_of(Role role, const LanguageConfig& language) {
  switch (role) {
    case Role::kQuery:
    case Role::kQueryKeyValue:
    case Role::kAttentionOutput:
      return HeadGeometry{language.num_heads, language.head_dim};
    case Role::kKey:
    case Role::kValue:
      return HeadGeometry{language.num_kv_heads, language.head_dim};
    default:
      return std::nullopt;
  }
}

std::string sibling(std::string_view canonical, std::string_view fused, std::string_view single) {
  std::string name(canonical);
  const std::size_t at = name.find(fused);
  if (at != std::string::npos) name.replace(at, fused.size(), single);
  return name;
}

std::vector<FusedPart> parts_of(Fusion fusion, std::string_view canonical, const LanguageConfig& language) {
  const auto part = [&](Role role, std::string_view fused, std::string_view single, RowBlocks rows) {
    return FusedPart{role, sibling(canonical, fused, single), rows, heads_of(role, language)};
  };
  const std::int64_t queries = language.num_heads * language.head_dim;
  const std::int64_t keys = language.num_kv_heads * language.head_dim;
  switch (fusion) {
    case Fusion::kNone:
      return {};
    case Fusion::kQueryKeyValue:
      return {part(Role::kQuery, "qkv_proj", "q_proj", RowBlocks::range(0, queries)),
              part(Role::kKey, "qkv_proj", "k_proj", RowBlocks::range(queries, keys)),
              part(Role::kValue, "qkv_proj", "v_proj", RowBlocks::range(queries + keys, keys))};
    case Fusion::kQueryKeyValuePerHead: {
      const std::int64_t rows = language.head_dim;
      const auto nth = [&](std::int64_t n) { return RowBlocks{n * rows, rows, 3 * rows, language.num_heads}; };
      return {part(Role::kQuery, "qkv_proj", "q_proj", nth(0)), part(Role::kKey, "qkv_proj", "k_proj", nth(1)),
              part(Role::kValue, "qkv_proj", "v_proj", nth(2))};
    }
    case Fusion::kGateUp: {
      const std::int64_t rows = language.intermediate_size;
      return {part(Role::kGate, "gate_up_proj", "gate_proj", RowBlocks::range(0, rows)),
              part(Role::kUp, "gate_up_proj", "up_proj", RowBlocks::range(rows, rows))};
    }
  }
  return {};
}

bool bias_due(const TensorPattern& pattern, const LanguageConfig& language) {
  if (pattern.bias != Bias::kFlag) return pattern.bias == Bias::kRequired;
  const auto flag = language.raw.find(std::string(pattern.bias_flag));
  return flag != language.raw.end() && flag->is_boolean() ? flag->get<bool>() : pattern.bias_fallback;
}

// The decoder's matching in progress.
class Matcher {
 public:
  Matcher(const DecoderFamily& decoder, const LanguageConfig& language, const LanguagePlace& place,
          std::span<TensorRole> roles)
      : decoder_(decoder), language_(language), place_(place), roles_(roles) {}

  // Numbers: of the layer in the file and without inserted layers; -1 for patterns without a layer.
  void take(const TensorPattern& pattern, std::int64_t in_file, int layer) {
    const std::string stored = place_.body + with_number(pattern.stored, in_file);
    const std::string canonical = with_number(pattern.canonical.empty() ? pattern.stored : pattern.canonical, layer);
    take_tensor(pattern, stored + ".weight", canonical + ".weight", layer, false, true);
    take_tensor(pattern, stored + ".bias", canonical + ".bias", layer, true, bias_due(pattern, language_));
  }

  void take_head() {
    static constexpr TensorPattern kHead{.role = Role::kLmHead, .shape = {Dim::kVocabulary, Dim::kHidden}};
    const std::size_t missing_before = faults_.missing.size();
    take_tensor(kHead, place_.head + ".weight", "lm_head.weight", -1, false, true);
    take_tensor(kHead, place_.head + ".bias", "lm_head.bias", -1, true, false);
    faults_.head_missing = faults_.missing.size() > missing_before;
    if (faults_.head_missing) faults_.missing.pop_back();
  }

  DecoderFaults faults() { return std::move(faults_); }

 private:
  void take_tensor(const TensorPattern& pattern, std::string stored, std::string canonical, int layer, bool bias,
                   bool due) {
    const std::size_t index = index_of(roles_, stored);
    if (index == roles_.size()) {
      if (due) faults_.missing.push_back(std::move(stored));
      return;
    }
    TensorRole& tensor = roles_[index];
    if (bias && !due && is_buffer(tensor)) return;
    const Shape expected = expected_shape(pattern, bias, decoder_, language_);
    if (!fits(tensor.shape, expected)) {
      faults_.contradictions.push_back(
          fmt::format("tensor '{}' has shape {}, expected {}", stored, to_string(tensor.shape), to_string(expected)));
    }
    tensor.part = Part::kLanguage;
    tensor.role = pattern.role;
    tensor.layer = layer;
    tensor.bias = bias;
    tensor.transposed = pattern.transposed && !bias;
    tensor.heads = bias && pattern.role == Role::kAttentionOutput ? std::nullopt : heads_of(pattern.role, language_);
    tensor.parts = parts_of(pattern.fusion, canonical, language_);
    tensor.canonical = std::move(canonical);
  }

  const DecoderFamily& decoder_;
  const LanguageConfig& language_;
  const LanguagePlace& place_;
  std::span<TensorRole> roles_;
  DecoderFaults faults_;
};

// Tensors below the body's layers that no pattern named.
void take_leftovers(const LanguagePlace& place, const std::string& layers, const std::vector<int>& inserted,
                    std::span<TensorRole> roles) {
  for (TensorRole& tensor : roles) {
    if (tensor.part == Part::kLanguage || !tensor.name.starts_with(place.body + layers)) continue;
    const std::string_view below = std::string_view(tensor.name).substr(place.body.size());
    tensor.layer = layer_in(below);
    tensor.canonical = fmt::format("{}{}", place.saved_body, below);
    if (std::ranges::binary_search(inserted, tensor.layer)) {
      tensor.part = Part::kCrossAttention;
      tensor.role = is_buffer(tensor) ? Role::kBuffer : Role::kCrossAttention;
      continue;
    }
    const auto before = std::ranges::lower_bound(inserted, tensor.layer) - inserted.begin();
    tensor.part = Part::kLanguage;
    tensor.role = is_buffer(tensor) ? Role::kBuffer : Role::kOther;
    const std::string_view rest = below.substr(below.find('.', layers.size()) + 1);
    tensor.layer -= static_cast<int>(before);
    tensor.canonical = fmt::format("layers.{}.{}", tensor.layer, rest);
    tensor.bias = tensor.name.ends_with(".bias");
  }
}

}  // namespace

std::size_t index_of(std::span<const TensorRole> roles, std::string_view name) {
  const auto found =
      std::ranges::lower_bound(roles, name, {}, [](const TensorRole& t) -> std::string_view { return t.name; });
  return found != roles.end() && found->name == name ? static_cast<std::size_t>(found - roles.begin()) : roles.size();
}

bool is_buffer(const TensorRole& tensor) {
  const std::string_view name = tensor.name;
  for (const std::string_view tail : {"inv_freq", "position_ids", "masked_bias", "cos_cached", "sin_cached"}) {
    if (name.ends_with(tail)) return true;
  }
  // Causal masks: [1, 1, positions, positions].
  return tensor.shape.size() == 4 && (name.ends_with("attn.bias") || name.ends_with("attention.bias"));
}

int layer_in(std::string_view name) {
  for (const std::string_view word : {"layers.", "blocks.", "layer.", "resblocks.", "h."}) {
    for (std::size_t at = name.find(word); at != std::string_view::npos; at = name.find(word, at + 1)) {
      if (at > 0 && name[at - 1] != '.') continue;
      const std::string_view digits = name.substr(at + word.size());
      int number = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
      if (error == std::errc{} && number >= 0 && end != digits.data() + digits.size() && *end == '.') return number;
    }
  }
  return -1;
}

std::string embedding_name(const DecoderFamily& decoder, const LanguagePlace& place) {
  const auto pattern = std::ranges::find(decoder.patterns, Role::kEmbedding, &TensorPattern::role);
  return fmt::format("{}{}.weight", place.body, pattern->stored);
}

DecoderFaults match_decoder(const DecoderFamily& decoder, const LanguageConfig& language,
                            const std::vector<int>& inserted, const LanguagePlace& place, std::span<TensorRole> roles) {
  Matcher matcher(decoder, language, place, roles);
  std::string layers;  // "layers." or "h."
  for (const TensorPattern& pattern : decoder.patterns) {
    const std::size_t hole = pattern.stored.find("{}");
    if (hole == std::string_view::npos) {
      matcher.take(pattern, -1, -1);
      continue;
    }
    layers = pattern.stored.substr(0, hole);
    auto skip = inserted.begin();
    std::int64_t in_file = 0;
    for (int layer = 0; layer < language.num_layers; ++layer, ++in_file) {
      while (skip != inserted.end() && *skip == in_file) ++skip, ++in_file;
      matcher.take(pattern, in_file, layer);
    }
  }
  matcher.take_head();
  take_leftovers(place, layers, inserted, roles);
  return matcher.faults();
}

}  // namespace cambium::family
