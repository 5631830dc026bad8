#include "checkpoint/tensor_file.h"

#include <fmt/format.h>

#include <cstring>
#include <string>

#include "checkpoint/checkpoint_writer.h"
#include "tensor/error.h"

namespace cambium::checkpoint {

void write_tensor_file(const std::filesystem::path& file, std::span<const TensorBytes> tensors) {
  std::vector<TensorInfo> infos;
  for (const TensorBytes& tensor : tensors) {
    if (tensor.bytes.size() != tensor.info.bytes()) {
      throw ShapeError(fmt::format("{}: tensor '{}' has {} bytes, expected {} by its type and shape", file.string(),
                                   tensor.info.name, tensor.bytes.size(), tensor.info.bytes()));
    }
    infos.push_back(tensor.info);
  }
  const OutputLayout layout = plan_output(std::move(infos), UINT64_MAX);
  std::string contents = layout.shard_headers.at(0);
  contents.resize(static_cast<std::size_t>(layout.shard_file_bytes.at(0)));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].bytes.empty()) continue;
    std::memcpy(contents.data() + layout.places[i].begin, tensors[i].bytes.data(), tensors[i].bytes.size());
  }
  write_file_atomically(file, contents);
}

}  // namespace cambium::checkpoint
