#include "merge/placed_output.h"

#include <fmt/format.h>

#include <algorithm>

#include "tensor/error.h"
#include "tensor/workers.h"

namespace cambium::merge {
namespace {

constexpr std::uint64_t kBlock = checkpoint::TensorHasher::kBlockBytes;

}  // namespace

PlacedOutput::PlacedOutput(checkpoint::CheckpointWriter& writer, std::size_t tensor)
    : writer_(writer),
      tensor_(tensor),
      bytes_(writer.layout().tensors[tensor].bytes()),
      hasher_(writer.layout().tensors[tensor].dtype, writer.layout().tensors[tensor].shape),
      blocks_(static_cast<std::size_t>((bytes_ + kBlock - 1) / kBlock)) {
  hashed_ = std::make_unique<std::atomic<bool>[]>(blocks_);
}

void PartOutput::write(std::size_t first, std::span<const std::byte> stored) {
  const std::size_t size = element_bytes_;
  region_->for_each_run(first, stored.size() / size, [&](std::size_t whole, std::size_t part, std::size_t count) {
    whole_->write(std::uint64_t{whole} * size, stored.subspan((part - first) * size, count * size));
  });
}

void PlacedOutput::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  writer_.write(tensor_, offset, bytes);
  const std::uint64_t end = offset + bytes.size();
  for (std::uint64_t block = (offset + kBlock - 1) / kBlock; block * kBlock < end; ++block) {
    const std::uint64_t begin = block * kBlock, size = std::min(kBlock, bytes_ - begin);
    if (begin + size > end) break;
    hasher_.add(begin, bytes.subspan(static_cast<std::size_t>(begin - offset), static_cast<std::size_t>(size)));
    hashed_[static_cast<std::size_t>(block)].store(true, std::memory_order_release);
  }
}

checkpoint::ContentHash PlacedOutput::finish(Workers& workers) {
  std::vector<std::size_t> left;
  for (std::size_t block = 0; block < blocks_; ++block) {
    if (!hashed_[block].load(std::memory_order_acquire)) left.push_back(block);
  }
  if (!left.empty()) {
    const checkpoint::OutputPlace& place = writer_.layout().places[tensor_];
    const checkpoint::OpenFile file(writer_.working_folder() / writer_.layout().shard_files[place.shard],
                                    checkpoint::OpenFile::Mode::kRead);
    workers.for_each(left.size(), [&](std::size_t i, unsigned) {
      const std::uint64_t begin = left[i] * kBlock;
      std::vector<std::byte> block(static_cast<std::size_t>(std::min(kBlock, bytes_ - begin)));
      if (file.read_at(place.begin + begin, block) != block.size()) {
        throw SystemError(fmt::format("{}: the output file became shorter while it was written",
                                      writer_.layout().shard_files[place.shard]));
      }
      hasher_.add(begin, block);
    });
  }
  return hasher_.finish();
}

}  // namespace cambium::merge
