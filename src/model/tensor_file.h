#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

namespace cambium::model {

/// Tensors of a small safetensors file by name (inputs and outputs of commands; models go through WeightSource).
using TensorMap = std::map<std::string, at::Tensor>;

/// Every tensor, copied; integers of any width and booleans become int64, F64 stays, other floats become float32.
/// @throws CheckpointError  malformed, or a type without meaning here (float8, complex)
[[nodiscard]] TensorMap read_tensor_file(const std::filesystem::path& file);

/// Writes float32, float64 and int64 tensors in the map's order, in one step (written beside, renamed).
void write_tensor_file(const std::filesystem::path& file, const TensorMap& tensors);

}  // namespace cambium::model
