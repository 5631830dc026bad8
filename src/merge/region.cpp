#include "merge/region.h"

#include <algorithm>
#include <utility>

#include "tensor/dtype.h"

namespace cambium::merge {
namespace {

class PartInput final : public InputTensor {
 public:
  PartInput(std::shared_ptr<const InputTensor> tensor, Region region)
      : tensor_(std::move(tensor)), region_(std::move(region)) {}

  std::string label() const override { return tensor_->label(); }
  const Shape& shape() const override { return region_.shape(); }
  DType dtype() const override { return tensor_->dtype(); }
  void read(std::size_t first, std::span<float> out) const override {
    region_.for_each_run(first, out.size(), [&](std::size_t whole, std::size_t part, std::size_t count) {
      tensor_->read(whole, out.subspan(part - first, count));
    });
  }
  std::span<const std::byte> stored() const override {
    std::size_t first = 0;
    const std::span<const std::byte> all = tensor_->stored();
    if (all.empty() || !region_.contiguous(first)) return {};
    const std::size_t size = static_cast<std::size_t>(bits_of(dtype())) / 8;
    return all.subspan(first * size, numel(region_.shape()) * size);
  }
  void release(std::size_t first, std::size_t count) const override {
    region_.for_each_run(first, count,
                         [&](std::size_t whole, std::size_t, std::size_t run) { tensor_->release(whole, run); });
  }

 private:
  std::shared_ptr<const InputTensor> tensor_;
  Region region_;
};

}  // namespace

std::vector<RowRun> runs_of(std::span<const std::int64_t> rows) {
  std::vector<RowRun> runs;
  for (const std::int64_t row : rows) {
    if (!runs.empty() && runs.back().first + runs.back().count == row) {
      ++runs.back().count;
    } else {
      runs.push_back({row, 1});
    }
  }
  return runs;
}

Region Region::whole(const Shape& shape) {
  Region region;
  region.shape_ = shape;
  region.whole_ = true;
  region.pieces_.push_back({0, 0, numel(shape)});
  return region;
}

Region Region::rows(const Shape& shape, std::vector<RowRun> runs) {
  if (runs.size() == 1 && runs.front() == RowRun{0, shape.front()}) return whole(shape);
  Region region;
  region.shape_ = shape;
  Shape row(shape.begin() + 1, shape.end());
  const std::size_t width = numel(row);
  std::size_t part = 0;
  std::int64_t total = 0;
  for (const RowRun& run : runs) {
    const std::size_t count = static_cast<std::size_t>(run.count) * width;
    region.pieces_.push_back({static_cast<std::size_t>(run.first) * width, part, count});
    part += count;
    total += run.count;
  }
  region.shape_.front() = total;
  return region;
}

Region Region::columns(const Shape& shape, std::int64_t first, std::int64_t count) {
  Region region;
  region.shape_ = {shape[0], count};
  region.columns_ = static_cast<std::size_t>(count);
  region.row_ = static_cast<std::size_t>(shape[1]);
  region.pieces_.push_back({static_cast<std::size_t>(first), 0, numel(region.shape_)});
  return region;
}

bool Region::contiguous(std::size_t& first) const {
  if (pieces_.size() != 1 || columns_ != 0) return false;
  first = pieces_.front().whole;
  return true;
}

std::shared_ptr<const InputTensor> part_of(std::shared_ptr<const InputTensor> tensor, const Region& region) {
  if (region.is_whole()) return tensor;
  return std::make_shared<PartInput>(std::move(tensor), region);
}

}  // namespace cambium::merge
