#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "checkpoint/weight_source.h"

namespace cambium::checkpoint {

/// One tensor of a small file (inputs and outputs of commands; models go through CheckpointWriter).
struct TensorBytes {
  TensorInfo info;
  std::span<const std::byte> bytes;  ///< info.bytes() of them
};

/// Writes one safetensors file in one step (written beside, renamed). Types of larger elements come first, else the
/// given order is kept. @throws ShapeError  a tensor whose bytes do not fit its shape
void write_tensor_file(const std::filesystem::path& file, std::span<const TensorBytes> tensors);

}  // namespace cambium::checkpoint
