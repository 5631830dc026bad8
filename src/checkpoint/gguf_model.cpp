#include "checkpoint/gguf_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "checkpoint/gguf_dequantize.h"
#include "checkpoint/gguf_parts.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

constexpr std::int64_t kLargestSize = std::int64_t{1} << 30;  // products of two and a small factor fit 63 bits

// "a, b, c and 5 more"
std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 8;
  const std::size_t shown = std::min(names.size(), kShown);
  std::string text =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

}  // namespace

GgufModel::GgufModel(const std::filesystem::path& file) : label_(file.string()) {
  parts_ = open_gguf_parts(file);
  architecture_ = &gguf_architecture(metadata(), label_);
  prefix_ = metadata().required_text("general.architecture") + ".";
  read_sizes();
  place_tensors();
}

const GgufTensor* GgufModel::find(std::string_view gguf_name, const GgufFile** file) const {
  for (const GgufFile& part : parts_) {
    const auto found = std::ranges::find(part.tensors(), gguf_name, &GgufTensor::name);
    if (found != part.tensors().end()) {
      if (file != nullptr) *file = &part;
      return &*found;
    }
  }
  return nullptr;
}

// A number that the format also allows to be given layer by layer; Hugging Face's configs have it once.
std::int64_t GgufModel::layer_number(std::string_view name, std::int64_t fallback) const {
  const std::string full = key(name);
  const GgufValue* value = metadata().find(full);
  std::int64_t result = fallback;
  if (value != nullptr && value->type == GgufValueType::kArray) {
    const std::vector<std::int64_t> layers = metadata().integers(full);
    if (layers.empty() || std::ranges::adjacent_find(layers, std::not_equal_to<>{}) != layers.end()) {
      throw CheckpointError(
          fmt::format("{}: key '{}' differs by layer ([{}]); only models with equal layers are converted", label_, full,
                      fmt::join(layers, ", ")));
    }
    result = layers.front();
  } else if (value != nullptr || fallback == 0) {
    result = metadata().required_integer(full);
  }
  if (result <= 0 || result > kLargestSize) {
    throw CheckpointError(
        fmt::format("{}: key '{}' is {}, expected a number from 1 to {}", label_, full, result, kLargestSize));
  }
  return result;
}

void GgufModel::read_sizes() {
  sizes_.layers = layer_number("block_count", 0);
  sizes_.hidden = layer_number("embedding_length", 0);
  sizes_.feed_forward = layer_number("feed_forward_length", 0);
  sizes_.heads = layer_number("attention.head_count", 0);
  sizes_.kv_heads = layer_number("attention.head_count_kv", sizes_.heads);
  if (sizes_.heads % sizes_.kv_heads != 0) {
    throw CheckpointError(
        fmt::format("{}: {} heads cannot share {} key-value heads", label_, sizes_.heads, sizes_.kv_heads));
  }
  const GgufTensor* embedding = find("token_embd.weight", nullptr);
  if (embedding == nullptr || embedding->shape.size() != 2) {
    throw CheckpointError(fmt::format("{}: tensor 'token_embd.weight' is missing or not a matrix", label_));
  }
  sizes_.vocabulary = embedding->shape[0];
  // Old files do not state the head size; their query projection does.
  const GgufTensor* query = find("blk.0.attn_q.weight", nullptr);
  std::int64_t fallback = sizes_.hidden / sizes_.heads;
  if (query != nullptr && query->shape.size() == 2) fallback = query->shape[0] / sizes_.heads;
  sizes_.head_dim = layer_number("attention.key_length", fallback);
  const std::int64_t value_length = layer_number("attention.value_length", sizes_.head_dim);
  if (value_length != sizes_.head_dim) {
    throw CheckpointError(fmt::format("{}: keys have {} and values {} dimensions a head; only equal ones are converted",
                                      label_, sizes_.head_dim, value_length));
  }
  if (sizes_.head_dim % 2 != 0) {
    throw CheckpointError(
        fmt::format("{}: heads have {} dimensions, expected an even number", label_, sizes_.head_dim));
  }
}

Shape GgufModel::shape_of(const GgufTensorRule& rule) const {
  Shape shape;
  for (const GgufSize size : {rule.rows, rule.columns}) {
    switch (size) {
      case GgufSize::kAbsent:
        break;
      case GgufSize::kHidden:
        shape.push_back(sizes_.hidden);
        break;
      case GgufSize::kFeedForward:
        shape.push_back(sizes_.feed_forward);
        break;
      case GgufSize::kTwoFeedForward:
        shape.push_back(2 * sizes_.feed_forward);
        break;
      case GgufSize::kQuery:
        shape.push_back(sizes_.heads * sizes_.head_dim);
        break;
      case GgufSize::kKey:
        shape.push_back(sizes_.kv_heads * sizes_.head_dim);
        break;
      case GgufSize::kQueryKeyValue:
        shape.push_back((sizes_.heads + 2 * sizes_.kv_heads) * sizes_.head_dim);
        break;
      case GgufSize::kHead:
        shape.push_back(sizes_.head_dim);
        break;
      case GgufSize::kVocabulary:
        shape.push_back(sizes_.vocabulary);
        break;
    }
  }
  return shape;
}

void GgufModel::place_tensors() {
  struct Stored {
    const GgufFile* file;
    const GgufTensor* tensor;
  };
  std::map<std::string_view, Stored> unplaced;
  for (const GgufFile& part : parts_) {
    for (const GgufTensor& tensor : part.tensors()) {
      if (!unplaced.emplace(tensor.name, Stored{&part, &tensor}).second) {
        throw CheckpointError(fmt::format("{}: tensor '{}' is in two parts", part.path().string(), tensor.name));
      }
    }
  }
  std::erase_if(unplaced, [](const auto& entry) { return is_gguf_rotary_constant(entry.first); });

  std::vector<std::string> missing;
  const auto place = [&](const GgufTensorRule& rule, const std::string& gguf_prefix, const std::string& prefix) {
    const std::string gguf_name = gguf_prefix + std::string(rule.gguf);
    const auto found = unplaced.find(gguf_name);
    if (found == unplaced.end()) {
      if (!rule.optional) missing.push_back(gguf_name);
      return;
    }
    const auto [file, tensor] = found->second;
    const Shape expected = shape_of(rule);
    if (tensor->shape != expected) {
      throw CheckpointError(fmt::format("{}: tensor '{}' has shape {}, expected {} from the model's sizes",
                                        file->path().string(), gguf_name, cambium::to_string(tensor->shape),
                                        cambium::to_string(expected)));
    }
    if (!tensor->type->readable) {
      std::vector<std::string_view> known;
      for (const GgufTensorTypeInfo& type : gguf_tensor_types()) {
        if (type.readable) known.push_back(type.name);
      }
      throw CheckpointError(fmt::format("{}: tensor '{}' is of type {}, which is not converted; known are {}",
                                        file->path().string(), gguf_name, tensor->type->name, fmt::join(known, ", ")));
    }
    const bool by_head = rule.change == GgufChange::kQueryRows || rule.change == GgufChange::kKeyRows;
    tensors_.push_back(
        {prefix + std::string(rule.hugging_face), expected, file, tensor, rule.change, by_head ? sizes_.head_dim : 0});
    unplaced.erase(found);
  };

  for (const GgufTensorRule& rule : architecture_->model_tensors) place(rule, "", "");
  for (std::int64_t layer = 0; layer < sizes_.layers && missing.size() < 1000; ++layer) {
    for (const GgufTensorRule& rule : architecture_->layer_tensors) {
      place(rule, fmt::format("blk.{}.", layer), fmt::format("model.layers.{}.", layer));
    }
  }
  if (!missing.empty()) {
    throw CheckpointError(fmt::format("{}: {} tensors of a {} model with {} layers are missing: {}", label_,
                                      missing.size(), architecture_->gguf, sizes_.layers, some_of(missing)));
  }
  if (!unplaced.empty()) {
    std::vector<std::string> names;
    for (const auto& [name, stored] : unplaced) names.emplace_back(name);
    throw CheckpointError(fmt::format("{}: {} tensors have no place in a {} model with {} layers: {}", label_,
                                      names.size(), architecture_->gguf, sizes_.layers, some_of(names)));
  }
  std::ranges::sort(tensors_, {}, &GgufModelTensor::name);
}

bool GgufModel::has(std::string_view hugging_face_name) const {
  return std::ranges::binary_search(tensors_, hugging_face_name, {}, &GgufModelTensor::name);
}

std::vector<float> GgufModel::rotary_constant(std::string_view gguf_name) const {
  const GgufFile* file = nullptr;
  const GgufTensor* tensor = find(gguf_name, &file);
  if (tensor == nullptr) return {};
  if (tensor->type->id != static_cast<std::uint32_t>(GgufTensorType::kF32) || tensor->shape.size() != 1) {
    throw CheckpointError(fmt::format("{}: tensor '{}' is {} of shape {}, expected an F32 vector", label_, gguf_name,
                                      tensor->type->name, cambium::to_string(tensor->shape)));
  }
  std::vector<float> values(static_cast<std::size_t>(tensor->shape[0]));
  dequantize_gguf(GgufTensorType::kF32, file->bytes(*tensor), values);
  return values;
}

namespace {

// The row of the file that became row `row` of Hugging Face's order: within a head, first halves of the rotary pairs,
// then the second halves; in the file the two rows of a pair lie side by side.
std::int64_t interleaved_row(std::int64_t row, std::int64_t head_rows) {
  const std::int64_t head = row / head_rows;
  const std::int64_t within = row % head_rows;
  const std::int64_t half = head_rows / 2;
  return head * head_rows + within % half * 2 + within / half;
}

}  // namespace

void GgufModel::read(const GgufModelTensor& tensor, std::int64_t first_row, std::span<float> out) const {
  const auto type = static_cast<GgufTensorType>(tensor.stored->type->id);
  const std::span<const std::byte> stored = tensor.file->bytes(*tensor.stored);
  const bool vector = tensor.shape.size() == 1;
  const std::size_t row_values = vector ? 1 : static_cast<std::size_t>(tensor.shape[1]);
  const auto first = static_cast<std::size_t>(first_row);
  const std::size_t rows = out.size() / row_values;

  // A vector's rows are smaller than a block: expand it as a whole.
  std::vector<float> whole;
  if (vector) {
    whole.resize(static_cast<std::size_t>(tensor.shape[0]));
    dequantize_gguf(type, stored, whole);
  }
  const std::size_t row_bytes = vector ? 0 : stored.size() / static_cast<std::size_t>(tensor.shape[0]);
  const auto copy_rows = [&](std::size_t stored_row, std::span<float> to) {
    if (vector) {
      std::ranges::copy(std::span(whole).subspan(stored_row, to.size()), to.begin());
    } else {
      dequantize_gguf(type, stored.subspan(stored_row * row_bytes, to.size() / row_values * row_bytes), to);
    }
  };
  if (tensor.head_rows == 0) {
    copy_rows(first, out);
  } else {
    for (std::size_t row = 0; row < rows; ++row) {
      const std::int64_t from = interleaved_row(static_cast<std::int64_t>(first + row), tensor.head_rows);
      copy_rows(static_cast<std::size_t>(from), out.subspan(row * row_values, row_values));
    }
  }
  if (tensor.change == GgufChange::kNormPlusOne) {
    for (float& value : out) value -= 1.0F;
  }
}

void GgufModel::release(const GgufModelTensor& tensor, std::int64_t first_row, std::int64_t rows) const {
  const std::span<const std::byte> stored = tensor.file->bytes(*tensor.stored);
  const auto all = static_cast<std::size_t>(tensor.shape[0]);
  const std::size_t row_bytes = stored.size() / all;
  tensor.file->release(
      stored.subspan(static_cast<std::size_t>(first_row) * row_bytes, static_cast<std::size_t>(rows) * row_bytes));
}

}  // namespace cambium::checkpoint
