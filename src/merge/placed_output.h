#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/content_hash.h"
#include "checkpoint/open_file.h"
#include "merge/region.h"
#include "merge/tensor_task.h"

namespace cambium {
class Workers;
}

namespace cambium::merge {

/// Takes the stored bytes of one whole tensor.
class TensorSink {
 public:
  virtual ~TensorSink() = default;
  /// @param offset  of the first byte from the tensor's beginning. Thread-safe for ranges that do not overlap.
  virtual void write(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
};

/// Puts the elements of one part into their places in the whole tensor.
class PartOutput final : public OutputTensor {
 public:
  /// Both must outlive this. @param dtype  of the tensor
  PartOutput(TensorSink& whole, const Region& region, DType dtype)
      : whole_(&whole), region_(&region), element_bytes_(static_cast<std::size_t>(bits_of(dtype)) / 8) {}
  void write(std::size_t first, std::span<const std::byte> stored) override;

 private:
  TensorSink* whole_;
  const Region* region_;
  std::size_t element_bytes_;
};

/// One tensor of an output folder while it is written; takes the tensor's hash on the way, block by block while the
/// bytes are in the cache.
class PlacedOutput final : public TensorSink {
 public:
  PlacedOutput(checkpoint::CheckpointWriter& writer, std::size_t tensor);
  void write(std::uint64_t offset, std::span<const std::byte> bytes) override;
  /// The hash of the whole tensor; blocks that came in pieces are read back. @pre everything was written
  [[nodiscard]] checkpoint::ContentHash finish(Workers& workers);

 private:
  checkpoint::CheckpointWriter& writer_;
  std::size_t tensor_;
  std::uint64_t bytes_;
  checkpoint::TensorHasher hasher_;
  std::unique_ptr<std::atomic<bool>[]> hashed_;
  std::size_t blocks_;
};

}  // namespace cambium::merge
