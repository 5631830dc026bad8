#pragma once

#include <optional>
#include <string_view>

#include "family/model_description.h"
#include "family/row_blocks.h"

namespace cambium::merge {

/// The tensor of a model that an adapter's path means.
struct AdapterTarget {
  const family::TensorRole* tensor = nullptr;
  /// The path's rows (output features) in a fused tensor; nothing: all.
  std::optional<family::RowBlocks> rows;
};

/// Finds the tensor that `path` ("model.layers.0.self_attn.q_proj.weight", as in the model the adapter was trained on)
/// names in a model that may keep it under another name: another layout, or a multimodal model grown from the adapter's
/// language model.
///
/// In this order: the same name; for a path of a plain language model, the same canonical name among the language
/// tensors (so layers are counted without inserted cross-attention layers, and parts of fused tensors are found); the
/// one tensor of that part of the model with the longest common end of the name, at least from the layer's number on. A
/// head that is tied means the embedding. Nothing if there is none, or if several fit equally.
[[nodiscard]] AdapterTarget find_adapter_target(const family::ModelDescription& model, std::string_view path);

}  // namespace cambium::merge
