#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string_view>
#include <vector>

#include "checkpoint/weight_source.h"
#include "model/decoder_config.h"

namespace cambium::family {
struct ModelDescription;
struct TensorRole;
}  // namespace cambium::family

namespace cambium::model {

/// y = x W^T + b.
struct Linear {
  at::Tensor weight;  ///< [out, in]
  at::Tensor bias;    ///< [out], or undefined
};

/// Weight (and bias) of a normalisation; undefined where the model has none.
struct Norm {
  at::Tensor weight, bias;  ///< [size]
};

struct LayerWeights {
  Norm attention_norm;              ///< before attention
  Linear query, key, value;         ///< [num_heads * head_dim, hidden], [num_kv_heads * head_dim, hidden] twice
  at::Tensor query_norm, key_norm;  ///< [head_dim], or undefined
  Linear attention_output;          ///< [hidden, num_heads * head_dim]
  Norm attention_output_norm;       ///< behind attention (sandwich_norms)
  Norm feedforward_norm;            ///< before the feed-forward part
  Linear gate, up, down;            ///< gate undefined unless DecoderConfig::gated
  Norm feedforward_output_norm;     ///< behind the feed-forward part (sandwich_norms)
};

/// The decoder's tensors by what they do; fused ones are already taken apart (as views where that is possible).
struct DecoderWeights {
  at::Tensor embedding;  ///< [vocab, hidden]
  at::Tensor positions;  ///< [max_positions, hidden], or undefined
  std::vector<LayerWeights> layers;
  Norm final_norm;
  Linear head;  ///< [vocab, hidden]; the embedding itself if tied
};

/// Gives the value of one stored tensor, in its stored shape.
using TensorLookup = std::function<at::Tensor(const family::TensorRole& role)>;

/// Finds every tensor by its role and brings it into the decoder's form. All steps are differentiable: with a look-up
/// that returns the parameters of a training run, gradients reach the stored tensors.
/// @throws CheckpointError  tensors missing (all named at once) or of a shape that does not fit the config
[[nodiscard]] DecoderWeights assemble_decoder(const family::ModelDescription& description, const DecoderConfig& config,
                                              std::string_view where, const TensorLookup& tensor);

/// One layer of the same, so that layers can be assembled one at a time. @param layer  from 0 on
[[nodiscard]] LayerWeights assemble_layer(const family::ModelDescription& description, const DecoderConfig& config,
                                          std::string_view where, std::size_t layer, const TensorLookup& tensor);
/// All but the layers.
[[nodiscard]] DecoderWeights assemble_outside_layers(const family::ModelDescription& description,
                                                     const DecoderConfig& config, std::string_view where,
                                                     const TensorLookup& tensor);
/// Throws what assemble_decoder would throw, without reading a tensor.
void check_decoder(const family::ModelDescription& description, const DecoderConfig& config, std::string_view where);

/// A stored tensor as an at::Tensor on the CPU: the mapped bytes themselves where the source has them and their type is
/// `dtype` (the source must outlive the tensor), else a converted copy.
[[nodiscard]] at::Tensor load_tensor(const checkpoint::WeightSource& source, std::string_view name,
                                     at::ScalarType dtype);

/// Reads a stored tensor into memory that load_tensor made for it, converting as it did. Nothing larger than the tensor
/// is needed besides, and nothing at all where the types are equal.
/// @pre  `into` owns its memory (it is not the source's mapped file)
void reload_tensor(const checkpoint::WeightSource& source, std::string_view name, at::Tensor& into);

/// True if load_tensor returned the source's own bytes.
[[nodiscard]] bool is_mapped(const checkpoint::WeightSource& source, std::string_view name, const at::Tensor& tensor);

/// Floating types on the file and in the engine. @throws CheckpointError  not F16, BF16, F32 or F64
[[nodiscard]] at::ScalarType scalar_type_of(DType dtype, std::string_view name);

}  // namespace cambium::model
