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

/// One tensor of an output while it is written: puts the parts that tasks make into their places and takes the tensor's
/// hash on the way, block by block while the bytes are in the cache.
class PlacedOutput {
 public:
  PlacedOutput(checkpoint::CheckpointWriter& writer, std::size_t tensor);

  /// The receiver of the elements of one part. Lives as long as this.
  class Part final : public OutputTensor {
   public:
    Part(PlacedOutput& whole, const Region& region) : whole_(&whole), region_(&region) {}
    void write(std::size_t first, std::span<const std::byte> stored) override;

   private:
    PlacedOutput* whole_;
    const Region* region_;
  };

  /// Stored bytes at an offset of the tensor. Thread-safe for ranges that do not overlap.
  void write(std::uint64_t offset, std::span<const std::byte> bytes);
  /// The hash of the whole tensor; blocks that came in pieces are read back. @pre everything was written
  [[nodiscard]] checkpoint::ContentHash finish(Workers& workers);

 private:
  checkpoint::CheckpointWriter& writer_;
  std::size_t tensor_;
  std::uint64_t bytes_;
  std::size_t element_bytes_;
  checkpoint::TensorHasher hasher_;
  std::unique_ptr<std::atomic<bool>[]> hashed_;
  std::size_t blocks_;
};

}  // namespace cambium::merge
