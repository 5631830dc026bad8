#include "checkpoint/conversion_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "checkpoint/gguf_config.h"
#include "checkpoint/tokenizer_from_gguf.h"
#include "tensor/convert.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

std::size_t element_bytes(DType dtype) { return static_cast<std::size_t>(bits_of(dtype)) / 8; }

// Rounds to the output's type; a finite value may not become infinite.
void round_values(const TensorInfo& tensor, std::size_t first, std::span<const float> values, std::span<std::byte> out) {
  if (tensor.dtype == DType::kF16) {
    constexpr float kLeastOverflow = 65520.0F;  // rounds to 65536, which half precision does not have
    const auto over = std::ranges::find_if(
        values, [](float value) { return std::abs(value) >= kLeastOverflow && std::isfinite(value); });
    if (over != values.end()) {
      throw ValueError(fmt::format(
          "tensor '{}' has the value {} at index {}, but float16 ends at 65504; use --dtype bfloat16 or float32",
          tensor.name, *over, first + static_cast<std::size_t>(over - values.begin())));
    }
  }
  from_float32(tensor.dtype, values, out);
}

std::string pretty(const Json& json) { return json.dump(2, ' ', false) + "\n"; }

}  // namespace

GgufConversion::GgufConversion(GgufModel model, DType dtype, const std::string& pre_tokenizer)
    : model_(std::move(model)) {
  for (const GgufModelTensor& tensor : model_.tensors()) tensors_.push_back({tensor.name, dtype, tensor.shape});
  const Json config = gguf_config(model_, dtype);
  files_ = tokenizer_from_gguf(model_.metadata(), model_.label(),
                               {.architecture = std::string(model_.architecture().gguf),
                                .vocabulary = model_.sizes().vocabulary,
                                .context_length = config.at("max_position_embeddings").get<std::int64_t>(),
                                .pre_tokenizer = pre_tokenizer});
  files_["config.json"] = pretty(config);
  files_["generation_config.json"] = pretty(gguf_generation_config(model_));
}

std::size_t GgufConversion::granule_bytes(std::size_t tensor) const {
  const TensorInfo& info = tensors_[tensor];
  const std::size_t row = info.shape.size() == 1 ? 1 : static_cast<std::size_t>(info.shape[1]);
  return row * element_bytes(info.dtype);
}

void GgufConversion::read(std::size_t tensor, std::uint64_t offset, std::span<std::byte> out,
                          std::vector<float>& values) const {
  const TensorInfo& info = tensors_[tensor];
  const GgufModelTensor& source = model_.tensors()[tensor];
  const std::size_t row_bytes = granule_bytes(tensor);
  const auto first_row = static_cast<std::int64_t>(offset / row_bytes);
  values.resize(out.size() / element_bytes(info.dtype));
  model_.read(source, first_row, values);
  round_values(info, offset / element_bytes(info.dtype), values, out);
  model_.release(source, first_row, static_cast<std::int64_t>(out.size() / row_bytes));
}

FolderConversion::FolderConversion(ModelFolder folder, std::optional<DType> dtype)
    : folder_(std::move(folder)), dtype_(dtype), tensors_(folder_.tensors()) {
  if (!dtype_) return;
  if (const auto quantised = folder_.config().find("quantization_config");
      quantised != folder_.config().end() && !quantised->is_null()) {
    throw CheckpointError(fmt::format("{}: the weights are quantised (quantization_config in config.json), so their scales "
                                      "may not change type; leave --dtype away to change the shards only",
                                      folder_.label()));
  }
  for (TensorInfo& tensor : tensors_) {
    if (is_mergeable(tensor.dtype)) tensor.dtype = *dtype_;
  }
}

std::size_t FolderConversion::granule_bytes(std::size_t tensor) const {
  return std::max<std::size_t>(1, element_bytes(tensors_[tensor].dtype));
}

void FolderConversion::read(std::size_t tensor, std::uint64_t offset, std::span<std::byte> out,
                            std::vector<float>& values) const {
  const TensorInfo& info = tensors_[tensor];
  const auto [shard, stored] = folder_.place(info.name);
  std::span<const std::byte> bytes = shard->bytes(*stored);
  if (stored->dtype == info.dtype) {
    bytes = bytes.subspan(offset, out.size());
    std::memcpy(out.data(), bytes.data(), bytes.size());
  } else {
    const std::size_t first = offset / element_bytes(info.dtype);
    values.resize(out.size() / element_bytes(info.dtype));
    bytes = bytes.subspan(first * element_bytes(stored->dtype), values.size() * element_bytes(stored->dtype));
    to_float32(stored->dtype, bytes, values);
    round_values(info, first, values, out);
  }
  shard->release(bytes);
}

std::map<std::string, std::string> FolderConversion::made_files() const {
  Json config = folder_.config();
  if (dtype_) set_config_dtype(config, *dtype_);
  return {{"config.json", pretty(config)}};
}

std::map<std::string, std::filesystem::path> FolderConversion::copied_files() const {
  std::map<std::string, std::filesystem::path> files;
  for (const std::string& name : folder_.companion_files()) files.emplace(name, folder_.path() / name);
  return files;
}

void set_config_dtype(Json& config, DType dtype) {
  const auto set = [&](Json& part) {
    bool found = false;
    for (const char* key : {"dtype", "torch_dtype"}) {
      if (!part.contains(key)) continue;
      part[key] = torch_name_of(dtype);
      found = true;
    }
    return found;
  };
  const bool found = set(config);
  for (auto& [name, part] : config.items()) {
    if (part.is_object() && name.ends_with("_config")) set(part);
  }
  if (!found) config["dtype"] = torch_name_of(dtype);
}

}  // namespace cambium::checkpoint
