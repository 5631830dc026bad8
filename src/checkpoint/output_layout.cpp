#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/safetensors_header.h"

namespace cambium::checkpoint {

namespace {

// Numbers of the tensors of each shard, in the given order.
std::vector<std::vector<std::size_t>> deal(const std::vector<TensorInfo>& tensors, std::uint64_t shard_bytes) {
  std::vector<std::vector<std::size_t>> shards(1);
  std::uint64_t filled = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::uint64_t bytes = tensors[i].bytes();
    if (!shards.back().empty() && filled + bytes > shard_bytes) {
      shards.emplace_back();
      filled = 0;
    }
    shards.back().push_back(i);
    filled += bytes;
  }
  return shards;
}

}  // namespace

OutputLayout plan_output(std::vector<TensorInfo> tensors, std::uint64_t shard_bytes) {
  OutputLayout layout;
  layout.places.resize(tensors.size());
  std::vector<std::vector<std::size_t>> shards = deal(tensors, shard_bytes);
  for (std::size_t shard = 0; shard < shards.size(); ++shard) {
    std::ranges::stable_sort(shards[shard], std::ranges::greater{},
                             [&](std::size_t i) { return bits_of(tensors[i].dtype); });
    std::vector<StoredTensor> stored;
    std::uint64_t end = 0;
    for (const std::size_t i : shards[shard]) {
      StoredTensor& tensor = stored.emplace_back();
      static_cast<TensorInfo&>(tensor) = tensors[i];
      tensor.begin = end;
      end += tensor.bytes();
    }
    std::string header = safetensors_header_text(stored);
    for (std::size_t k = 0; k < stored.size(); ++k) {
      layout.places[shards[shard][k]] = {.shard = shard, .begin = header.size() + stored[k].begin};
    }
    layout.shard_files.push_back(shards.size() == 1
                                     ? "model.safetensors"
                                     : fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, shards.size()));
    layout.shard_file_bytes.push_back(header.size() + end);
    layout.shard_headers.push_back(std::move(header));
    layout.total_bytes += end;
  }
  layout.tensors = std::move(tensors);
  return layout;
}

}  // namespace cambium::checkpoint
