#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "checkpoint/content_hash.h"
#include "checkpoint/weight_source.h"

namespace cambium {
class Workers;
}

namespace cambium::merge {

/// The stored bytes of a whole tensor: where they are mapped, else read into memory.
class StoredBytes {
 public:
  StoredBytes(const checkpoint::WeightSource& source, const checkpoint::TensorInfo& tensor);
  [[nodiscard]] std::span<const std::byte> all() const { return bytes_; }
  /// This range is not needed again.
  void release(std::span<const std::byte> range) const;

 private:
  const checkpoint::WeightSource& source_;
  std::span<const std::byte> bytes_;
  std::vector<std::byte> own_;
};

/// The hash of a tensor as checkpoint::TensorHasher takes it, on all threads; mapped pages are given back on the way.
[[nodiscard]] checkpoint::ContentHash hash_stored(const checkpoint::WeightSource& source,
                                                  const checkpoint::TensorInfo& tensor, Workers& workers);

}  // namespace cambium::merge
