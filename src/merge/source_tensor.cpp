#include "merge/source_tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "family/tensor_reader.h"
#include "merge/spilled_tensor.h"
#include "merge/virtual_merge.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

// A tensor whose bytes lie in memory or in a mapped file.
class ReaderInput final : public InputTensor {
 public:
  /// @param keep  what the reader reads from, if it lives no longer than the reader
  explicit ReaderInput(family::TensorReader reader, std::shared_ptr<const checkpoint::WeightSource> keep = nullptr)
      : keep_(std::move(keep)), reader_(std::move(reader)) {}

  std::string label() const override { return reader_.label(); }
  const Shape& shape() const override { return reader_.shape(); }
  DType dtype() const override { return reader_.dtype(); }
  void read(std::size_t first, std::span<float> out) const override { reader_.read(first, out); }
  std::span<const std::byte> stored() const override { return reader_.stored(); }
  void release(std::size_t first, std::size_t count) const override { reader_.release(first, count); }

 private:
  std::shared_ptr<const checkpoint::WeightSource> keep_;
  family::TensorReader reader_;
};

}  // namespace

family::Reading whole_reading(const family::TensorRole& tensor) {
  family::Reading reading;
  reading.target = tensor.name;
  reading.role = tensor.role;
  reading.layer = tensor.layer;
  // Rows are output features: the columns of what is stored [in, out].
  const std::int64_t rows = tensor.shape.empty() ? 1 : tensor.transposed ? tensor.shape.back() : tensor.shape.front();
  family::Piece piece;
  piece.source = tensor.name;
  piece.source_rows = piece.target_rows = family::RowBlocks::range(0, rows);
  piece.source_transposed = reading.target_transposed = tensor.transposed;
  piece.whole_source = true;
  reading.pieces.push_back(std::move(piece));
  reading.vocabulary = tensor.role == family::Role::kEmbedding || tensor.role == family::Role::kLmHead;
  return reading;
}

std::vector<std::string> TensorForm::names() const {
  std::vector<std::string> names;
  for (const family::Piece& piece : reading.pieces) {
    if (std::ranges::find(names, piece.source) == names.end()) names.push_back(piece.source);
  }
  return names;
}

TensorForm form_of(const Source& source, family::Reading reading, Shape shape) {
  TensorForm form;
  bool first = true;
  for (const family::Piece& piece : reading.pieces) {
    const checkpoint::TensorInfo* info = source.weights().find(piece.source);
    if (first) {
      form.dtype = info->dtype;
      first = false;
    } else if (info->dtype != form.dtype) {
      if (!is_mergeable(info->dtype) || !is_mergeable(form.dtype)) {
        throw CheckpointError(fmt::format("{}: tensor '{}' is {}, which cannot be read together with {} as one tensor",
                                          source.label(), piece.source, cambium::name_of(info->dtype),
                                          cambium::name_of(form.dtype)));
      }
      form.dtype = promote(form.dtype, info->dtype);
    }
  }
  form.reading = std::move(reading);
  form.shape = std::move(shape);
  return form;
}

std::shared_ptr<const InputTensor> open_tensor(const Source& source, const TensorForm& form, const SpillPlace& spill) {
  const std::span<const std::int64_t> rows =
      form.rows ? std::span<const std::int64_t>(*form.rows) : std::span<const std::int64_t>{};
  const std::vector<std::string> names = form.names();
  const VirtualMerge* computed = source.computed();
  const bool there = computed == nullptr || std::ranges::all_of(names, [&](const std::string& name) {
                       return !computed->mapped(name).empty();
                     });
  if (there) {
    return std::make_shared<ReaderInput>(family::TensorReader(source.weights(), form.reading, form.shape, rows));
  }
  std::shared_ptr<const checkpoint::WeightSource> kept = spilled(*computed, names, spill);
  family::TensorReader reader(*kept, form.reading, form.shape, rows);
  return std::make_shared<ReaderInput>(std::move(reader), std::move(kept));
}

}  // namespace cambium::merge
