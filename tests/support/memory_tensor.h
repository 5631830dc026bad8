#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "merge/tensor_task.h"
#include "tensor/convert.h"

namespace cambium::testing_support {

/// Values rounded to a stored type, as bytes.
inline std::vector<std::byte> stored_as(DType dtype, std::span<const float> values) {
  std::vector<std::byte> bytes(values.size() * static_cast<std::size_t>(bits_of(dtype)) / 8);
  from_float32(dtype, values, bytes);
  return bytes;
}

inline std::vector<float> floats_of(DType dtype, std::span<const std::byte> stored) {
  std::vector<float> values(stored.size() * 8 / static_cast<std::size_t>(bits_of(dtype)));
  to_float32(dtype, stored, values);
  return values;
}

/// An input of a merge step that lives in memory.
class MemoryInput final : public merge::InputTensor {
 public:
  /// @param mapped  false: pretend to be composed when read, so that there are no stored bytes
  MemoryInput(std::string label, DType dtype, Shape shape, std::vector<std::byte> stored, bool mapped = true)
      : label_(std::move(label)),
        dtype_(dtype),
        shape_(std::move(shape)),
        stored_(std::move(stored)),
        mapped_(mapped) {}

  [[nodiscard]] std::string label() const override { return label_; }
  [[nodiscard]] const Shape& shape() const override { return shape_; }
  [[nodiscard]] DType dtype() const override { return dtype_; }
  void read(std::size_t first, std::span<float> out) const override {
    const std::size_t width = static_cast<std::size_t>(bits_of(dtype_)) / 8;
    to_float32(dtype_, std::span(stored_).subspan(first * width, out.size() * width), out);
    const std::lock_guard lock(mutex_);
    elements_read_ += out.size();
  }
  [[nodiscard]] std::span<const std::byte> stored() const override {
    return mapped_ ? std::span(stored_) : std::span<const std::byte>();
  }

  [[nodiscard]] std::size_t elements_read() const { return elements_read_; }

 private:
  std::string label_;
  DType dtype_;
  Shape shape_;
  std::vector<std::byte> stored_;
  bool mapped_;
  mutable std::mutex mutex_;
  mutable std::size_t elements_read_ = 0;
};

/// Collects what a merge step writes; knows what is missing.
class MemoryOutput final : public merge::OutputTensor {
 public:
  MemoryOutput(DType dtype, const Shape& shape)
      : dtype_(dtype),
        width_(static_cast<std::size_t>(bits_of(dtype)) / 8),
        stored_(numel(shape) * width_),
        written_(numel(shape)) {}

  void write(std::size_t first, std::span<const std::byte> stored) override {
    const std::lock_guard lock(mutex_);
    std::ranges::copy(stored, stored_.begin() + static_cast<std::ptrdiff_t>(first * width_));
    for (std::size_t i = 0; i < stored.size() / width_; ++i) ++written_[first + i];
  }

  /// Every element was written exactly once.
  [[nodiscard]] bool complete() const {
    return std::ranges::all_of(written_, [](int times) { return times == 1; });
  }
  [[nodiscard]] const std::vector<std::byte>& stored() const { return stored_; }
  [[nodiscard]] std::vector<float> values() const { return floats_of(dtype_, stored_); }

 private:
  DType dtype_;
  std::size_t width_;
  std::vector<std::byte> stored_;
  std::vector<int> written_;
  std::mutex mutex_;
};

}  // namespace cambium::testing_support
