#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kLlavaNames[] = {
    {"llava"},
    {"LlavaForConditionalGeneration"},
    {"LlavaLlamaForCausalLM", "llama"},
    {"llava_llama", "llama"},
    {"LlavaMistralForCausalLM", "mistral"},
    {"llava_mistral", "mistral"},
    {"LlavaQwenForCausalLM", "qwen2"},
    {"llava_qwen", "qwen2"},
    {"llava_qwen2", "qwen2"},
    {"LlavaQwen3ForCausalLM", "qwen3"},
    {"llava_qwen3", "qwen3"},
    {"LlavaGemmaForCausalLM", "gemma"},
    {"llava_gemma", "gemma"},
    {"LlavaPhi3ForCausalLM", "phi3"},
    {"llava_phi3", "phi3"},
};

inline constexpr LanguageRoot kLlavaRoots[] = {
    kNestedRoots[0],
    kNestedRoots[1],
    kNestedRoots[2],
    {.layout = "original", .prefix = "", .strip = "model."},
};
inline constexpr Rename kLlavaRenames[] = {
    {.from = "vision_tower.vision_tower.vision_model.", .to = "vision_tower."},
    {.from = "vision_tower.vision_tower.", .to = "vision_tower."},
    {.from = "vision_tower.vision_model.", .to = "vision_tower.", .before_452 = true},
    {.from = "mm_projector.0.", .to = "multi_modal_projector.linear_1."},
    {.from = "mm_projector.2.", .to = "multi_modal_projector.linear_2."},
    {.from = "mm_projector.", .to = "multi_modal_projector."},
};
inline constexpr PartPrefix kLlavaParts[] = {
    {"vision_tower.", Part::kVisionTower},   {"image_tower.", Part::kVisionTower},
    {"video_tower.", Part::kVisionTower},    {"audio_tower.", Part::kAudioTower},
    {"speech_encoder.", Part::kAudioTower},  {"multi_modal_projector.", Part::kProjector},
    {"speech_projector.", Part::kProjector}, {"vision_resampler.", Part::kProjector},
    {"image_newline", Part::kProjector},
};

/// LLaVA 1.5 as transformers has it, and every model of the LLaVA repository (1.5, 1.6, OneVision, LLaVA-Video), whose
/// config is the language model's with `mm_` keys and whose names are "original".
inline constexpr GraftFamily kLlava{
    .name = "llava",
    .names = kLlavaNames,
    .decoder = "llama",
    .roots = kLlavaRoots,
    .renames = kLlavaRenames,
    .parts = kLlavaParts,
};

}  // namespace cambium::family
