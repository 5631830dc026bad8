#pragma once

#include <cstddef>
#include <span>

#include "checkpoint/gguf_tensor_type.h"

namespace cambium::checkpoint {

/// Expands stored blocks to float32, bit for bit as llama.cpp's reference code and the Python package gguf do: each
/// product and each sum is rounded to float32 by itself.
///
/// @param type    a readable type (assertion)
/// @param stored  whole blocks, any alignment: out.size() / block_values of block_bytes each
/// @param out     a multiple of the type's block_values
/// Cost: one pass, no allocation.
/// Source: block layouts of https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h.
void dequantize_gguf(GgufTensorType type, std::span<const std::byte> stored, std::span<float> out);

}  // namespace cambium::checkpoint
