#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/weight_source.h"
#include "tensor/convert.h"

namespace cambium::testing_support {

/// Weights held in memory, for tests that need values but no files.
class MemoryWeights final : public checkpoint::WeightSource {
 public:
  explicit MemoryWeights(std::string label) : label_(std::move(label)) {}

  void add(const std::string& name, Shape shape, const std::vector<float>& values, DType dtype = DType::kF32) {
    std::vector<std::byte> bytes(values.size() * static_cast<std::size_t>(bits_of(dtype)) / 8);
    from_float32(dtype, values, bytes);
    tensors_.push_back({.name = name, .dtype = dtype, .shape = std::move(shape)});
    std::ranges::sort(tensors_, {}, &checkpoint::TensorInfo::name);
    bytes_[name] = std::move(bytes);
  }
  /// Values 0.0, 0.5, 1.0, ... + start.
  void add_counting(const std::string& name, const Shape& shape, float start, DType dtype = DType::kF32) {
    std::vector<float> values(numel(shape));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = start + 0.5F * static_cast<float>(i);
    add(name, shape, values, dtype);
  }
  /// Has read() alone, as a source that computes its values.
  void hide_bytes() { hidden_ = true; }

  [[nodiscard]] const std::string& label() const override { return label_; }
  [[nodiscard]] const std::vector<checkpoint::TensorInfo>& tensors() const override { return tensors_; }
  [[nodiscard]] std::span<const std::byte> mapped(std::string_view name) const override {
    return hidden_ ? std::span<const std::byte>{} : bytes_.at(std::string(name));
  }
  void read(std::string_view name, std::span<std::byte> out) const override {
    const std::vector<std::byte>& bytes = bytes_.at(std::string(name));
    std::memcpy(out.data(), bytes.data(), bytes.size());
  }

 private:
  std::string label_;
  std::vector<checkpoint::TensorInfo> tensors_;
  std::map<std::string, std::vector<std::byte>> bytes_;
  bool hidden_ = false;
};

}  // namespace cambium::testing_support
