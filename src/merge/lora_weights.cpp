#include "merge/lora_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "checkpoint/foreign_text.h"
#include "merge/adapter_target.h"
#include "merge/low_rank.h"
#include "tensor/convert.h"
#include "tensor/error.h"

namespace cambium::merge {

using checkpoint::Json;
using checkpoint::quote_foreign;
using checkpoint::TensorInfo;
using family::ModelDescription;
using family::RowBlocks;
using family::TensorRole;

namespace {

// Elements that one step widens, adds to and rounds: 2 MiB of floats.
constexpr std::size_t kStepElements = std::size_t{1} << 19;

// A matrix of the adapter, and how it is read as a factor of the product.
struct Factor {
  const TensorInfo* tensor = nullptr;
  std::int64_t rows = 0;  // as stored: [rows, columns]
  std::int64_t columns = 0;
};

Factor factor_of(const TensorInfo* tensor) {
  const std::int64_t rows = tensor->shape.front();
  return {.tensor = tensor, .rows = rows, .columns = static_cast<std::int64_t>(numel(tensor->shape)) / rows};
}

// scale * left * right, added to rows of a stored tensor. `left` has a row for each of them, `right` a column for each
// of its columns; turned ones are stored the other way round.
struct Patch {
  Factor left;
  bool left_turned = false;
  Factor right;
  bool right_turned = false;
  std::int64_t rank = 0;
  float scale = 1.0F;
  RowBlocks rows;  // of the stored tensor
};

std::size_t element_bytes(DType dtype) { return static_cast<std::size_t>(bits_of(dtype)) / 8; }

std::string list_of(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i)
    text += (i > 0 ? ", " : "") + quote_foreign(names[i]);
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return text;
}

}  // namespace

struct LoraWeights::Change {
  const TensorInfo* saved = nullptr;  // the adapter's own tensor instead of the model's
  std::vector<Patch> patches;
};

LoraWeights::LoraWeights(std::shared_ptr<const checkpoint::WeightSource> base, const ModelDescription& model,
                         std::shared_ptr<const LoraAdapter> adapter)
    : base_(std::move(base)),
      adapter_(std::move(adapter)),
      label_(base_->label() + "+" + adapter_->label()),
      tensors_(base_->tensors()) {
  std::vector<std::string> missing;
  for (const SavedTensor& saved : adapter_->saved()) add_saved(saved, model, missing);
  for (const LoraModule& module : adapter_->modules()) add_module(module, model, missing);
  if (!missing.empty()) {
    throw CheckpointError(
        fmt::format("the adapter {} changes {} layers that {} does not have: {}; it belongs to another model{}",
                    adapter_->label(), missing.size(), base_->label(), list_of(missing),
                    adapter_->base_model().empty() ? "" : " (" + adapter_->base_model() + ")"));
  }
  for (const auto& [name, change] : changes_) {
    if (const TensorInfo& tensor = *find(name); !is_mergeable(tensor.dtype)) {
      throw CheckpointError(
          fmt::format("{}: tensor {} is {}, and an adapter can only be added to F16, BF16, F32 or F64", base_->label(),
                      quote_foreign(name), name_of(tensor.dtype)));
    }
  }
}

LoraWeights::~LoraWeights() = default;

TensorInfo& LoraWeights::info(std::string_view name) {
  return *std::ranges::lower_bound(tensors_, name, {},
                                   [](const TensorInfo& tensor) -> std::string_view { return tensor.name; });
}

void LoraWeights::add_saved(const SavedTensor& saved, const ModelDescription& model,
                            std::vector<std::string>& missing) {
  const AdapterTarget target = find_adapter_target(model, saved.path);
  if (target.tensor == nullptr) {
    missing.push_back(saved.path);
    return;
  }
  TensorInfo& tensor = info(target.tensor->name);
  const Shape& shape = saved.tensor->shape;
  const bool vocabulary =
      target.tensor->role == family::Role::kEmbedding || target.tensor->role == family::Role::kLmHead;
  const bool more_tokens = vocabulary && shape.size() == tensor.shape.size() &&
                           std::equal(shape.begin() + 1, shape.end(), tensor.shape.begin() + 1);
  if (target.rows || (shape != tensor.shape && !more_tokens)) {
    throw ShapeError(fmt::format("{}: tensor {} has shape {}, but {} of {} has {}", adapter_->label(),
                                 quote_foreign(saved.tensor->name), to_string(shape), quote_foreign(tensor.name),
                                 base_->label(), to_string(tensor.shape)));
  }
  if (shape != tensor.shape) vocabulary_rows_ = shape.front();
  tensor.shape = shape;
  changes_[tensor.name].saved = saved.tensor;
}

void LoraWeights::add_module(const LoraModule& module, const ModelDescription& model,
                             std::vector<std::string>& missing) {
  const AdapterTarget target = find_adapter_target(model, module.path + ".weight");
  if (target.tensor == nullptr) {
    missing.push_back(module.path);
    return;
  }
  const TensorInfo& tensor = info(target.tensor->name);
  const Factor a = factor_of(module.a);
  const Factor b = factor_of(module.b);
  // Stored [inputs, outputs], the weight takes (B A) transposed, as an embedding does.
  const bool turned =
      module.embedding || target.tensor->transposed || (adapter_->fan_in_fan_out() && tensor.shape.size() == 2);
  Patch patch{.left = turned ? a : b,
              .left_turned = turned,
              .right = turned ? b : a,
              .right_turned = turned,
              .rank = module.rank,
              .scale = static_cast<float>(module.scale),
              .rows = {}};
  const std::int64_t rows = turned ? a.columns : b.rows;
  const std::int64_t columns = turned ? b.rows : a.columns;
  patch.rows = target.rows.value_or(RowBlocks::range(0, rows));
  const std::int64_t tensor_rows = tensor.shape.empty() ? 1 : tensor.shape.front();
  const std::int64_t tensor_columns =
      tensor_rows == 0 ? 0 : static_cast<std::int64_t>(numel(tensor.shape)) / tensor_rows;
  const bool fits = tensor.shape.size() >= 2 && columns == tensor_columns && patch.rows.total() == rows &&
                    (target.rows ? !turned : rows == tensor_rows);
  if (!fits) {
    throw ShapeError(fmt::format("{}: module {} adds {} x {} values, but {} of {} has shape {}{}", adapter_->label(),
                                 quote_foreign(module.path), rows, columns, quote_foreign(tensor.name), base_->label(),
                                 to_string(tensor.shape),
                                 target.rows ? fmt::format(", {} rows of it", target.rows->total()) : ""));
  }
  changes_[tensor.name].patches.push_back(patch);
}

Json LoraWeights::config(Json base) const {
  if (!changes_vocabulary()) return base;
  if (base.contains("vocab_size")) base["vocab_size"] = vocabulary_rows_;
  if (base.contains("text_config") && base["text_config"].is_object())
    base["text_config"]["vocab_size"] = vocabulary_rows_;
  return base;
}

std::vector<std::string> LoraWeights::changed() const {
  std::vector<std::string> names;
  for (const auto& [name, change] : changes_) names.push_back(name);
  return names;
}

const LoraWeights::Change* LoraWeights::find_change(std::string_view name) const {
  const auto found = changes_.find(name);
  return found == changes_.end() ? nullptr : &found->second;
}

std::span<const std::byte> LoraWeights::mapped(std::string_view name) const {
  return find_change(name) == nullptr ? base_->mapped(name) : std::span<const std::byte>{};
}

bool LoraWeights::reads_ranges(std::string_view name) const {
  const Change* const change = find_change(name);
  return change == nullptr || change->saved == nullptr ? base_->reads_ranges(name) : true;
}

void LoraWeights::read(std::string_view name, std::span<std::byte> out) const {
  if (find_change(name) == nullptr) return base_->read(name, out);
  read_range(name, 0, out);
}

void LoraWeights::read_range(std::string_view name, std::uint64_t offset, std::span<std::byte> out) const {
  const Change* const change = find_change(name);
  if (change == nullptr) return base_->read_range(name, offset, out);
  const TensorInfo& tensor = *find(name);
  const std::size_t size = element_bytes(tensor.dtype);
  assert(offset % size == 0 && out.size() % size == 0);
  std::vector<float> values;
  for (std::uint64_t first = offset / size; !out.empty(); first += values.size()) {
    values.resize(std::min(kStepElements, out.size() / size));
    compute(tensor, *change, first, values);
    from_float32(tensor.dtype, values, out.first(values.size() * size));
    out = out.subspan(values.size() * size);
  }
}

namespace {

// Values of an element range of a tensor, widened.
void read_values(const checkpoint::WeightSource& source, const TensorInfo& tensor, std::uint64_t first,
                 std::span<float> out) {
  std::vector<std::byte> bytes(out.size() * element_bytes(tensor.dtype));
  source.read_range(tensor.name, first * element_bytes(tensor.dtype), bytes);
  to_float32(tensor.dtype, bytes, out);
}

// Rows begin .. begin + rows - 1 of a factor as rows x rank values; a turned one is stored [rank, rows].
std::vector<float> left_rows(const checkpoint::WeightSource& source, const Patch& patch, std::int64_t begin,
                             std::int64_t rows) {
  const auto rank = static_cast<std::size_t>(patch.rank);
  std::vector<float> values(static_cast<std::size_t>(rows) * rank);
  if (!patch.left_turned) {
    read_values(source, *patch.left.tensor, static_cast<std::uint64_t>(begin) * rank, values);
    return values;
  }
  std::vector<float> line(static_cast<std::size_t>(rows));
  for (std::size_t k = 0; k < rank; ++k) {
    read_values(source, *patch.left.tensor,
                k * static_cast<std::uint64_t>(patch.left.columns) + static_cast<std::uint64_t>(begin), line);
    for (std::size_t row = 0; row < line.size(); ++row) values[row * rank + k] = line[row];
  }
  return values;
}

// Columns begin .. begin + columns - 1 of a factor as rank x columns values; a turned one is stored [columns, rank].
std::vector<float> right_columns(const checkpoint::WeightSource& source, const Patch& patch, std::int64_t begin,
                                 std::int64_t columns) {
  const auto rank = static_cast<std::size_t>(patch.rank);
  const auto width = static_cast<std::size_t>(columns);
  std::vector<float> values(rank * width);
  if (!patch.right_turned) {
    for (std::size_t k = 0; k < rank; ++k) {
      read_values(source, *patch.right.tensor,
                  k * static_cast<std::uint64_t>(patch.right.columns) + static_cast<std::uint64_t>(begin),
                  std::span(values).subspan(k * width, width));
    }
    return values;
  }
  std::vector<float> stored(width * rank);
  read_values(source, *patch.right.tensor, static_cast<std::uint64_t>(begin) * rank, stored);
  for (std::size_t column = 0; column < width; ++column) {
    for (std::size_t k = 0; k < rank; ++k) values[k * width + column] = stored[column * rank + k];
  }
  return values;
}

// Adds a patch to rows row .. row + rows - 1, columns column .. column + columns - 1 of the tensor, which `out` holds.
void apply(const checkpoint::WeightSource& adapter, const Patch& patch, std::int64_t row, std::int64_t rows,
           std::int64_t column, std::int64_t columns, std::span<float> out) {
  std::vector<float> right;
  const RowBlocks& blocks = patch.rows;
  for (std::int64_t block = 0; block < blocks.count; ++block) {
    const std::int64_t block_begin = blocks.first + block * blocks.stride;
    const std::int64_t begin = std::max(row, block_begin);
    const std::int64_t end = std::min(row + rows, block_begin + blocks.rows);
    if (begin >= end) continue;
    if (right.empty()) right = right_columns(adapter, patch, column, columns);
    const std::vector<float> left = left_rows(adapter, patch, block * blocks.rows + begin - block_begin, end - begin);
    add_low_rank(left, right, static_cast<std::size_t>(patch.rank), patch.scale,
                 out.subspan(static_cast<std::size_t>((begin - row) * columns),
                             static_cast<std::size_t>((end - begin) * columns)));
  }
}

}  // namespace

// Elements first .. first + out.size(): the model's or the adapter's own, then the products added over the whole rows
// and the begun ones at both ends.
void LoraWeights::compute(const TensorInfo& tensor, const Change& change, std::uint64_t first,
                          std::span<float> out) const {
  const checkpoint::WeightSource& adapter = adapter_->folder();
  if (change.saved != nullptr) {
    read_values(adapter, *change.saved, first, out);
  } else {
    read_values(*base_, tensor, first, out);
  }
  if (change.patches.empty()) return;
  const std::uint64_t width = numel(tensor.shape) / static_cast<std::uint64_t>(tensor.shape.front());
  while (!out.empty()) {
    const std::uint64_t column = first % width;
    const bool whole = column == 0 && out.size() >= width;
    const std::uint64_t rows = whole ? out.size() / width : 1;
    const std::uint64_t columns = whole ? width : std::min<std::uint64_t>(out.size(), width - column);
    const std::span<float> here = out.first(rows * columns);
    for (const Patch& patch : change.patches) {
      apply(adapter, patch, static_cast<std::int64_t>(first / width), static_cast<std::int64_t>(rows),
            static_cast<std::int64_t>(column), static_cast<std::int64_t>(columns), here);
    }
    first += here.size();
    out = out.subspan(here.size());
  }
}

}  // namespace cambium::merge
