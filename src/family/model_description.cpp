#include "family/model_description.h"

#include <algorithm>
#include <array>
#include <utility>

#include "family/decoder_tensors.h"

namespace cambium::family {
namespace {

using enum Role;

constexpr std::pair<Part, std::string_view> kPartNames[] = {
    {Part::kLanguage, "language"},   {Part::kVisionTower, "vision_tower"},       {Part::kAudioTower, "audio_tower"},
    {Part::kProjector, "projector"}, {Part::kCrossAttention, "cross_attention"}, {Part::kOther, "other"},
};

constexpr std::pair<Role, std::string_view> kRoleNames[] = {
    {kEmbedding, "embedding"},
    {kPositionEmbedding, "position_embedding"},
    {kQuery, "query"},
    {kKey, "key"},
    {kValue, "value"},
    {kQueryKeyValue, "query_key_value"},
    {kAttentionOutput, "attention_output"},
    {kQueryNorm, "query_norm"},
    {kKeyNorm, "key_norm"},
    {kGate, "gate"},
    {kUp, "up"},
    {kGateUp, "gate_up"},
    {kDown, "down"},
    {kInputNorm, "input_norm"},
    {kPostAttentionNorm, "post_attention_norm"},
    {kPreFeedforwardNorm, "pre_feedforward_norm"},
    {kPostFeedforwardNorm, "post_feedforward_norm"},
    {kFinalNorm, "final_norm"},
    {kLmHead, "lm_head"},
    {kTower, "tower"},
    {kProjector, "projector"},
    {kCrossAttention, "cross_attention"},
    {kBuffer, "buffer"},
    {kOther, "other"},
};

}  // namespace

std::string_view name_of(Part part) {
  return std::ranges::find(kPartNames, part, &std::pair<Part, std::string_view>::first)->second;
}

std::string_view name_of(Role role) {
  return std::ranges::find(kRoleNames, role, &std::pair<Role, std::string_view>::first)->second;
}

std::optional<Role> role_from_name(std::string_view name) {
  const auto* const found = std::ranges::find(kRoleNames, name, &std::pair<Role, std::string_view>::second);
  return found == std::end(kRoleNames) ? std::nullopt : std::optional(found->first);
}

const TensorRole* ModelDescription::find(std::string_view name) const {
  const std::size_t index = index_of(tensors, name);
  return index == tensors.size() ? nullptr : &tensors[index];
}

const TensorRole* ModelDescription::find_canonical(std::string_view canonical) const {
  const auto found = std::ranges::find(tensors, canonical, &TensorRole::canonical);
  return found == tensors.end() ? nullptr : &*found;
}

}  // namespace cambium::family
