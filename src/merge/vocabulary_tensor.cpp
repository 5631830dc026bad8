#include "merge/vocabulary_tensor.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "tensor/convert.h"

namespace cambium::merge {
namespace {

class VocabularyTensor final : public InputTensor {
 public:
  VocabularyTensor(std::vector<std::shared_ptr<const InputTensor>> tensors,
                   std::shared_ptr<const VocabularyRowTable> table, std::size_t model, DType compute_dtype)
      : tensors_(std::move(tensors)),
        table_(std::move(table)),
        model_(model),
        dtype_(tensors_[model]->dtype()),
        compute_dtype_(compute_dtype) {
    shape_ = tensors_[model_]->shape();
    shape_.front() = table_->rows;
    width_ = numel(Shape(shape_.begin() + 1, shape_.end()));
    for (const auto& tensor : tensors_) dtype_ = promote(dtype_, tensor->dtype());
  }

  std::string label() const override { return tensors_[model_]->label(); }
  const Shape& shape() const override { return shape_; }
  DType dtype() const override { return dtype_; }

  void read(std::size_t first, std::span<float> out) const override {
    while (!out.empty()) {
      const std::size_t row = first / width_, column = first % width_;
      const std::size_t here = std::min(out.size(), width_ - column);
      read_row(static_cast<std::int64_t>(row), column, out.first(here));
      first += here;
      out = out.subspan(here);
    }
  }

 private:
  void read_row(std::int64_t row, std::size_t column, std::span<float> out) const {
    if (row >= table_->tokens) {
      std::call_once(mean_known_, [&] { find_mean(); });
      std::copy_n(mean_.begin() + static_cast<std::ptrdiff_t>(column), out.size(), out.begin());
      return;
    }
    const auto token = static_cast<std::size_t>(row);
    if (const std::int64_t own = table_->own[model_][token]; own >= 0) {
      tensors_[model_]->read(static_cast<std::size_t>(own) * width_ + column, out);
      return;
    }
    const std::int64_t other = table_->default_model[token];
    if (other >= 0) {
      tensors_[static_cast<std::size_t>(other)]->read(
          static_cast<std::size_t>(table_->default_row[token]) * width_ + column, out);
    } else if (other == VocabularyRowTable::kMean) {
      read_mean_of_models(token, column, out);
    } else {
      std::ranges::fill(out, 0.0F);
    }
  }

  // The sum is rounded to the merge's type after each step, as the reference's running sum is.
  void read_mean_of_models(std::size_t token, std::size_t column, std::span<float> out) const {
    std::vector<float> values(out.size());
    std::ranges::fill(out, 0.0F);
    float count = 0;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      const std::int64_t row = table_->known[i][token];
      if (row < 0) continue;
      tensors_[i]->read(static_cast<std::size_t>(row) * width_ + column, values);
      round(values);
      for (std::size_t j = 0; j < out.size(); ++j) out[j] += values[j];
      round(out);
      count += 1;
    }
    for (float& value : out) value /= count;
    round(out);
  }

  void round(std::span<float> values) const {
    if (compute_dtype_ == DType::kF32 || compute_dtype_ == DType::kF64) return;
    std::vector<std::byte> stored(values.size() * static_cast<std::size_t>(bits_of(compute_dtype_)) / 8);
    from_float32(compute_dtype_, values, stored);
    to_float32(compute_dtype_, stored, values);
  }

  void find_mean() const {
    std::vector<double> sum(width_, 0.0);
    std::vector<float> row(width_);
    for (std::int64_t token = 0; token < table_->tokens; ++token) {
      read_row(token, 0, row);
      for (std::size_t i = 0; i < width_; ++i) sum[i] += static_cast<double>(row[i]);
    }
    mean_.resize(width_);
    for (std::size_t i = 0; i < width_; ++i)
      mean_[i] = static_cast<float>(sum[i] / static_cast<double>(table_->tokens));
  }

  std::vector<std::shared_ptr<const InputTensor>> tensors_;
  std::shared_ptr<const VocabularyRowTable> table_;
  std::size_t model_;
  DType dtype_;
  DType compute_dtype_;
  Shape shape_;
  std::size_t width_ = 0;
  mutable std::once_flag mean_known_;
  mutable std::vector<float> mean_;
};

}  // namespace

std::shared_ptr<const InputTensor> vocabulary_tensor(std::vector<std::shared_ptr<const InputTensor>> tensors,
                                                     std::shared_ptr<const VocabularyRowTable> table, std::size_t model,
                                                     DType compute_dtype) {
  return std::make_shared<VocabularyTensor>(std::move(tensors), std::move(table), model, compute_dtype);
}

}  // namespace cambium::merge
