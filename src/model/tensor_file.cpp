#include "model/tensor_file.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <cstring>

#include "checkpoint/safetensors.h"
#include "checkpoint/tensor_file.h"
#include "tensor/error.h"

namespace cambium::model {

namespace {

at::ScalarType stored_type(const checkpoint::StoredTensor& tensor, const std::filesystem::path& file) {
  switch (tensor.dtype) {
    case DType::kBool:
      return at::kBool;
    case DType::kU8:
      return at::kByte;
    case DType::kI8:
      return at::kChar;
    case DType::kI16:
      return at::kShort;
    case DType::kI32:
      return at::kInt;
    case DType::kI64:
      return at::kLong;
    case DType::kF16:
      return at::kHalf;
    case DType::kBF16:
      return at::kBFloat16;
    case DType::kF32:
      return at::kFloat;
    case DType::kF64:
      return at::kDouble;
    default:
      throw CheckpointError(fmt::format("{}: tensor '{}' has type {}, expected integers or floats", file.string(),
                                        tensor.name, name_of(tensor.dtype)));
  }
}

DType file_type(const at::Tensor& tensor, const std::string& name) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return DType::kF32;
    case at::kDouble:
      return DType::kF64;
    case at::kLong:
      return DType::kI64;
    default:
      throw ValueError(fmt::format("tensor '{}' must be float32, float64 or int64 to be written", name));
  }
}

}  // namespace

TensorMap read_tensor_file(const std::filesystem::path& file) {
  const checkpoint::SafetensorsFile stored(file);
  TensorMap result;
  for (const checkpoint::StoredTensor& tensor : stored.tensors()) {
    const std::span<const std::byte> bytes = stored.bytes(tensor);
    at::Tensor copy = at::empty(tensor.shape, at::TensorOptions().dtype(stored_type(tensor, file)));
    if (!bytes.empty()) std::memcpy(copy.data_ptr(), bytes.data(), bytes.size());
    const bool floating = copy.is_floating_point();
    if (!floating) copy = copy.to(at::kLong);
    if (floating && copy.scalar_type() != at::kDouble) copy = copy.to(at::kFloat);
    result.emplace(tensor.name, std::move(copy));
  }
  return result;
}

void write_tensor_file(const std::filesystem::path& file, const TensorMap& tensors) {
  std::vector<at::Tensor> kept;
  std::vector<checkpoint::TensorBytes> stored;
  for (const auto& [name, tensor] : tensors) {
    kept.push_back(tensor.to(at::kCPU).contiguous());
    const auto* bytes = static_cast<const std::byte*>(kept.back().const_data_ptr());
    stored.push_back({{name, file_type(tensor, name), tensor.sizes().vec()}, {bytes, kept.back().nbytes()}});
  }
  checkpoint::write_tensor_file(file, stored);
}

}  // namespace cambium::model
