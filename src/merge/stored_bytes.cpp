#include "merge/stored_bytes.h"

#include <algorithm>

#include "tensor/workers.h"

namespace cambium::merge {

using checkpoint::TensorHasher;

StoredBytes::StoredBytes(const checkpoint::WeightSource& source, const checkpoint::TensorInfo& tensor)
    : source_(source) {
  bytes_ = source.mapped(tensor.name);
  if (bytes_.empty() && tensor.bytes() > 0) {
    own_.resize(tensor.bytes());
    source.read(tensor.name, own_);
    bytes_ = own_;
  }
}

void StoredBytes::release(std::span<const std::byte> range) const {
  if (own_.empty()) source_.release(range);
}

checkpoint::ContentHash hash_stored(const checkpoint::WeightSource& source, const checkpoint::TensorInfo& tensor,
                                    Workers& workers) {
  const StoredBytes stored(source, tensor);
  TensorHasher hasher(tensor.dtype, tensor.shape);
  const std::span<const std::byte> all = stored.all();
  constexpr std::size_t kBlock = TensorHasher::kBlockBytes;
  workers.for_each((all.size() + kBlock - 1) / kBlock, [&](std::size_t block, unsigned) {
    const auto bytes = all.subspan(block * kBlock, std::min(kBlock, all.size() - block * kBlock));
    hasher.add(block * kBlock, bytes);
    stored.release(bytes);
  });
  return hasher.finish();
}

}  // namespace cambium::merge
