#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "checkpoint/gguf_metadata.h"

namespace cambium::checkpoint {

/// How llama.cpp's converter changed a tensor, and so what must be undone.
enum class GgufChange {
  kAsStored,
  kQueryRows,    ///< rows of each query head went from the half-split to the interleaved order of rotary pairs
  kKeyRows,      ///< the same for the key heads
  kNormPlusOne,  ///< stored as weight + 1
};

/// Sizes that tensor shapes are made of.
enum class GgufSize {
  kAbsent,  ///< the tensor has no such dimension
  kHidden,
  kFeedForward,
  kTwoFeedForward,  ///< gate and up in one
  kQuery,           ///< num_heads * head_dim
  kKey,             ///< num_kv_heads * head_dim
  kQueryKeyValue,
  kHead,  ///< head_dim
  kVocabulary,
};

/// One tensor of an architecture under both names.
struct GgufTensorRule {
  std::string_view gguf;          ///< without "blk.N." for a layer's tensor
  std::string_view hugging_face;  ///< without "model.layers.N."
  GgufSize rows;
  GgufSize columns = GgufSize::kAbsent;
  GgufChange change = GgufChange::kAsStored;
  bool optional = false;
};

/// What a GGUF `general.architecture` is in Hugging Face's terms.
struct GgufArchitecture {
  std::string_view gguf;        ///< "gemma3"
  std::string_view model_type;  ///< "gemma3_text"
  std::string_view class_name;  ///< "Gemma3ForCausalLM"
  std::span<const GgufTensorRule> model_tensors;
  std::span<const GgufTensorRule> layer_tensors;
};

/// The architecture that a file names; a file of llama's architecture that is a Mistral model (it has a sliding window,
/// or says so in its name) gets Mistral's row.
/// @throws CheckpointError  unknown (all known ones are listed), or not a language model (a projector, an adapter)
[[nodiscard]] const GgufArchitecture& gguf_architecture(const GgufMetadata& metadata, std::string_view where);

/// True if a tensor holds nothing that a checkpoint keeps: constants of the rotary embedding.
[[nodiscard]] bool is_gguf_rotary_constant(std::string_view name);

}  // namespace cambium::checkpoint
