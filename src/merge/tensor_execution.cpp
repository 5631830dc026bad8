#include "merge/tensor_execution.h"

#include <fmt/format.h>

#include <algorithm>

#include "checkpoint/content_hash.h"
#include "merge/stored_bytes.h"
#include "tensor/error.h"
#include "tensor/progress.h"
#include "tensor/workers.h"

namespace cambium::merge {
namespace {

constexpr std::size_t kGramBlock = checkpoint::TensorHasher::kBlockBytes;

}  // namespace

TensorExecution::TensorExecution(MergePlan& plan, const ExecuteOptions& options, SpillPlace spill)
    : plan_(plan), options_(options), spill_(std::move(spill)) {}

std::uint64_t TensorExecution::bytes_of(std::size_t first, std::size_t end) const {
  std::uint64_t bytes = 0;
  for (std::size_t i = first; i < end; ++i) {
    const PlannedTensor& tensor = plan_.tensors[i];
    for (const PlannedPart& part : tensor.parts) {
      const std::uint64_t elements = numel(part.region.shape());
      for (const std::size_t input : part.inputs) {
        bytes += elements * static_cast<std::uint64_t>(bits_of(tensor.inputs[input].form.dtype)) / 8;
      }
    }
  }
  return bytes;
}

TensorRecord TensorExecution::run(std::size_t number, TensorSink& output) {
  const PlannedTensor& tensor = plan_.tensors[number];
  TensorRecord record;
  record.read.resize(tensor.inputs.size());
  if (!is_mergeable(tensor.output.dtype)) {
    copy_bytes(tensor, output);
  } else {
    for (const PlannedPart& part : tensor.parts) {
      const TensorTask task = plan_.task(tensor, part, spill_);
      PartOutput receiver(output, part.region, tensor.output.dtype);
      TaskReport report = execute(task, receiver, options_);
      for (std::size_t i = 0; i < part.inputs.size(); ++i) {
        const PlannedInput& input = tensor.inputs[part.inputs[i]];
        const bool as_stored = part.region.is_whole() && !tensor.vocabulary && input.form.reading.same_form() &&
                               input.form.names().size() == 1;
        const checkpoint::TensorInfo* info = input.source->weights().find(input.form.reading.pieces.front().source);
        if (as_stored && i < report.input_hashes.size() && report.input_hashes[i] && info->shape == task.shape) {
          record.read[part.inputs[i]] = {{info->name, *report.input_hashes[i]}};
        }
      }
      record.reports.push_back(std::move(report));
    }
  }
  if (options_.hash_inputs) hash_inputs(tensor, record);
  return record;
}

// Tensors that are not of floating point: one model's bytes, if all models have the same.
void TensorExecution::copy_bytes(const PlannedTensor& tensor, TensorSink& output) {
  const PlannedInput& first = tensor.inputs.front();
  const checkpoint::TensorInfo& info = *first.source->weights().find(first.form.reading.pieces.front().source);
  const StoredBytes stored(first.source->weights(), info);
  for (const PlannedInput& other : tensor.inputs) {
    if (!tensor.must_agree || &other == &first) continue;
    const checkpoint::TensorInfo& other_info = *other.source->weights().find(other.form.reading.pieces.front().source);
    const StoredBytes bytes(other.source->weights(), other_info);
    if (!std::ranges::equal(stored.all(), bytes.all())) {
      throw ValueError(
          fmt::format("tensor '{}' is {} and differs between {} and {}: there is no mean of such values; keep one "
                      "model's with except: \"{}\"",
                      tensor.output.name, cambium::name_of(info.dtype), first.source->label(), other.source->label(),
                      tensor.output.name));
    }
  }
  const std::span<const std::byte> all = stored.all();
  for (std::size_t at = 0; at < all.size(); at += kGramBlock) {
    const auto bytes = all.subspan(at, std::min(kGramBlock, all.size() - at));
    output.write(at, bytes);
    stored.release(bytes);
  }
  if (options_.progress != nullptr) options_.progress->advance(all.size() * tensor.inputs.size());
}

// What was not hashed in passing: parts of tensors, fused or gathered ones.
void TensorExecution::hash_inputs(const PlannedTensor& tensor, TensorRecord& record) {
  for (std::size_t i = 0; i < tensor.inputs.size(); ++i) {
    if (!record.read[i].empty()) continue;
    const PlannedInput& input = tensor.inputs[i];
    for (const std::string& name : input.form.names()) {
      const auto key = std::pair(input.source, name);
      auto found = known_.find(key);
      if (found == known_.end()) {
        const checkpoint::WeightSource& weights = input.source->weights();
        found = known_.emplace(key, hash_stored(weights, *weights.find(name), *options_.workers)).first;
      }
      record.read[i].push_back({name, found->second});
    }
  }
}

}  // namespace cambium::merge
