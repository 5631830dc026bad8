#include "model/forward_inputs.h"

#include <ATen/ops/ones_like.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "tensor/error.h"

namespace cambium::model {

namespace {

// Processors write these beside the ids; they say nothing that the ids and the mask do not say.
const std::set<std::string>& without_effect() {
  static const std::set<std::string> names{"token_type_ids", "mm_token_type_ids", "special_tokens_mask"};
  return names;
}

void check_ids(const at::Tensor& ids, const DecoderConfig& config, const std::filesystem::path& file) {
  const std::int64_t columns = ids.size(1);
  const auto* values = ids.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < ids.numel(); ++i) {
    if (values[i] >= 0 && values[i] < config.vocab_size) continue;
    throw ValueError(fmt::format("{}: input_ids[{}, {}] is {}, but the model's embedding has {} rows", file.string(),
                                 i / columns, i % columns, values[i], config.vocab_size));
  }
}

}  // namespace

ForwardInputs forward_inputs(const TensorMap& tensors, const DecoderConfig& config, const std::filesystem::path& file) {
  const auto ids = tensors.find("input_ids");
  if (ids == tensors.end()) throw CheckpointError(fmt::format("{}: no tensor 'input_ids'", file.string()));
  ForwardInputs inputs;
  inputs.ids = ids->second;
  if (inputs.ids.dim() != 2 || inputs.ids.numel() == 0 || inputs.ids.scalar_type() != at::kLong) {
    throw CheckpointError(fmt::format("{}: input_ids has shape [{}], expected integers [batch, seq], at least one",
                                      file.string(), fmt::join(inputs.ids.sizes().vec(), ", ")));
  }
  check_ids(inputs.ids, config, file);
  const auto mask = tensors.find("attention_mask");
  inputs.mask = mask == tensors.end() ? at::ones_like(inputs.ids) : mask->second;
  if (inputs.mask.sizes() != inputs.ids.sizes() || inputs.mask.scalar_type() != at::kLong) {
    throw CheckpointError(fmt::format("{}: attention_mask has shape [{}], input_ids has [{}]", file.string(),
                                      fmt::join(inputs.mask.sizes().vec(), ", "),
                                      fmt::join(inputs.ids.sizes().vec(), ", ")));
  }
  if (!inputs.mask.eq(0).logical_or(inputs.mask.eq(1)).all().item<bool>() || !inputs.mask.any(-1).all().item<bool>()) {
    throw CheckpointError(fmt::format("{}: attention_mask must hold 0 and 1, and a 1 in every row", file.string()));
  }
  for (const auto& [name, tensor] : tensors) {
    if (name == "input_ids" || name == "attention_mask" || without_effect().contains(name)) continue;
    throw UsageError(fmt::format("{}: the model has no use for tensor '{}'", file.string(), name));
  }
  const auto longest = inputs.mask.sum(-1).max().item<std::int64_t>();
  if (config.hard_context_limit && longest > config.max_positions) {
    throw ValueError(
        fmt::format("{}: {} tokens, but the model has positions for {}", file.string(), longest, config.max_positions));
  }
  return inputs;
}

}  // namespace cambium::model
