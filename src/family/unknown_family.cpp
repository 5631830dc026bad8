#include "family/unknown_family.h"

#include <algorithm>
#include <array>

#include "family/decoder_tensors.h"

namespace cambium::family {
namespace {

struct Guess {
  std::string_view module;  // the component before .weight / .bias
  Role role;
};

// How the decoders of the last years call their modules.
constexpr Guess kGuesses[] = {
    {"embed_tokens", Role::kEmbedding},
    {"wte", Role::kEmbedding},
    {"word_embeddings", Role::kEmbedding},
    {"embed_in", Role::kEmbedding},
    {"tok_embeddings", Role::kEmbedding},
    {"wpe", Role::kPositionEmbedding},
    {"q_proj", Role::kQuery},
    {"k_proj", Role::kKey},
    {"v_proj", Role::kValue},
    {"wq", Role::kQuery},
    {"wk", Role::kKey},
    {"wv", Role::kValue},
    {"qkv_proj", Role::kQueryKeyValue},
    {"query_key_value", Role::kQueryKeyValue},
    {"c_attn", Role::kQueryKeyValue},
    {"Wqkv", Role::kQueryKeyValue},
    {"o_proj", Role::kAttentionOutput},
    {"out_proj", Role::kAttentionOutput},
    {"wo", Role::kAttentionOutput},
    {"dense", Role::kAttentionOutput},
    {"q_norm", Role::kQueryNorm},
    {"k_norm", Role::kKeyNorm},
    {"gate_proj", Role::kGate},
    {"up_proj", Role::kUp},
    {"fc1", Role::kUp},
    {"dense_h_to_4h", Role::kUp},
    {"c_fc", Role::kUp},
    {"gate_up_proj", Role::kGateUp},
    {"down_proj", Role::kDown},
    {"fc2", Role::kDown},
    {"dense_4h_to_h", Role::kDown},
    {"input_layernorm", Role::kInputNorm},
    {"ln_1", Role::kInputNorm},
    {"post_attention_layernorm", Role::kPostAttentionNorm},
    {"ln_2", Role::kPostAttentionNorm},
    {"pre_feedforward_layernorm", Role::kPreFeedforwardNorm},
    {"post_feedforward_layernorm", Role::kPostFeedforwardNorm},
    {"norm", Role::kFinalNorm},
    {"ln_f", Role::kFinalNorm},
    {"final_layernorm", Role::kFinalNorm},
    {"final_layer_norm", Role::kFinalNorm},
    {"lm_head", Role::kLmHead},
    {"embed_out", Role::kLmHead},
};

std::string_view module_of(std::string_view name) {
  for (const std::string_view tail : {".weight", ".bias"}) {
    if (name.ends_with(tail)) name.remove_suffix(tail.size());
  }
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

struct Word {
  std::string_view word;
  Part part;
};

// Projectors first: "vision_projector" is one.
constexpr Word kWords[] = {
    {"projector", Part::kProjector}, {"projection", Part::kProjector}, {"connector", Part::kProjector},
    {"resampler", Part::kProjector}, {"merger", Part::kProjector},     {"aligner", Part::kProjector},
    {"newline", Part::kProjector},   {"qformer", Part::kProjector},    {"cross_attn", Part::kCrossAttention},
    {"vision", Part::kVisionTower},  {"visual", Part::kVisionTower},   {"image", Part::kVisionTower},
    {"video", Part::kVisionTower},   {"vit.", Part::kVisionTower},     {"audio", Part::kAudioTower},
    {"speech", Part::kAudioTower},   {"whisper", Part::kAudioTower},
};

Part part_by_words(std::string_view name) {
  const auto* const found =
      std::ranges::find_if(kWords, [name](const Word& word) { return name.find(word.word) != std::string_view::npos; });
  return found == std::end(kWords) ? Part::kLanguage : found->part;
}

}  // namespace

void guess_roles(bool multimodal, std::span<TensorRole> roles) {
  for (TensorRole& tensor : roles) {
    tensor.canonical = tensor.name;
    tensor.layer = layer_in(tensor.name);
    tensor.bias = tensor.name.ends_with(".bias");
    if (is_buffer(tensor)) tensor.role = Role::kBuffer;
    tensor.part = multimodal ? part_by_words(tensor.name) : Part::kLanguage;
    if (tensor.role == Role::kBuffer) continue;
    if (tensor.part != Part::kLanguage) {
      tensor.role = tensor.part == Part::kProjector ? Role::kProjector : Role::kTower;
      continue;
    }
    const auto found = std::ranges::find(kGuesses, module_of(tensor.name), &Guess::module);
    tensor.role = found == std::end(kGuesses) ? Role::kOther : found->role;
  }
}

}  // namespace cambium::family
