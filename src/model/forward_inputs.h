#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>

#include "model/decoder_config.h"
#include "model/tensor_file.h"

namespace cambium::model {

/// What a processor hands to a language model.
struct ForwardInputs {
  at::Tensor ids;   ///< [batch, seq] int64
  at::Tensor mask;  ///< [batch, seq] int64 of 0 and 1
};

/// Checks and takes input_ids and attention_mask (all ones if there is none).
/// @throws CheckpointError  input_ids missing, shapes that do not fit, a mask of other values, a row without any token
/// @throws ValueError       an id that the model's embedding does not have (row, place, id); more tokens than learned
/// positions
/// @throws UsageError       a tensor of a name that the model has no use for
[[nodiscard]] ForwardInputs forward_inputs(const TensorMap& tensors, const DecoderConfig& config,
                                           const std::filesystem::path& file);

}  // namespace cambium::model
