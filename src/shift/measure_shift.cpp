#include "shift/measure_shift.h"

#include <algorithm>

#include "family/tensor_reader.h"
#include "shift/tensor_comparison.h"

namespace cambium::shift {
namespace {

using family::Alignment;
using family::Part;
using family::Reading;
using family::TensorReader;
using family::TensorRole;

// Two readers of one form, and the role of the tensor whose form it is.
struct Pairing {
  const Reading* reading = nullptr;
  const TensorRole* target = nullptr;
  bool target_is_base = true;
};

std::vector<Pairing> pairings(const ShiftSide& base, const ShiftSide& model, const Alignment& alignment) {
  std::vector<Pairing> all;
  for (const Reading& reading : alignment.base_from_model) {
    all.push_back({&reading, base.description->find(reading.target), true});
  }
  if (alignment.base_head_from_model_embedding) {
    const Reading& head = *alignment.base_head_from_model_embedding;
    all.push_back({&head, base.description->find(head.target), true});
  }
  if (alignment.model_head_from_base_embedding) {
    const Reading& head = *alignment.model_head_from_base_embedding;
    all.push_back({&head, model.description->find(head.target), false});
  }
  std::ranges::sort(all, {}, [](const Pairing& pairing) { return pairing.reading->target; });
  return all;
}

std::vector<MassBucket> compare(const Pairing& pairing, const ShiftSide& base, const ShiftSide& model,
                                const Alignment& alignment, const ShiftOptions& options,
                                std::span<ComparisonScratch> scratch, Workers& workers, Progress& progress,
                                TensorShift& shift) {
  const checkpoint::WeightSource& whole_source = pairing.target_is_base ? *base.weights : *model.weights;
  const checkpoint::WeightSource& read_source = pairing.target_is_base ? *model.weights : *base.weights;
  const std::vector<std::int64_t>& rows =
      pairing.target_is_base ? alignment.vocabulary.model_row : alignment.vocabulary.base_row;
  const checkpoint::TensorInfo& info = *whole_source.find(pairing.reading->target);
  const TensorReader whole = TensorReader::whole(whole_source, info);
  const TensorReader read(
      read_source, *pairing.reading, info.shape,
      pairing.reading->vocabulary ? std::span<const std::int64_t>(rows) : std::span<const std::int64_t>{});
  const TensorComparison comparison(pairing.target_is_base ? whole : read, pairing.target_is_base ? read : whole,
                                    head_slots(*pairing.target), options.allow_nonfinite);
  return comparison.run(scratch, workers, progress, shift);
}

}  // namespace

ModelShift measure_shift(const ShiftSide& base, const ShiftSide& model, const Alignment& alignment,
                         const ShiftOptions& options, Workers& workers, Progress& progress) {
  alignment.require_complete();
  ModelShift result{.base = alignment.base_label,
                    .model = alignment.model_label,
                    .tensors = {},
                    .curve = {},
                    .layer_curves = {},
                    .module_curves = {},
                    .vocabulary = alignment.vocabulary,
                    .notes = alignment.notes};
  const std::vector<Pairing> all = pairings(base, model, alignment);
  std::uint64_t elements = 0;
  for (const Pairing& pairing : all) elements += numel(pairing.target->shape);
  progress.begin("shift", elements, "values");

  std::vector<ComparisonScratch> scratch(workers.threads());
  CoarseMass whole;
  std::map<int, CoarseMass> layers;
  std::map<family::Role, CoarseMass> modules;
  for (const Pairing& pairing : all) {
    const TensorRole& target = *pairing.target;
    if (target.role == family::Role::kBuffer) continue;
    TensorShift shift{.tensor = target.name,
                      .part = target.part,
                      .role = target.role,
                      .layer = target.layer,
                      .bias = target.bias,
                      .moments = {},
                      .curve = {},
                      .nonfinite = 0,
                      .heads = {}};
    const std::vector<MassBucket> buckets =
        compare(pairing, base, model, alignment, options, scratch, workers, progress, shift);
    modules[shift.role].add(buckets);
    if (shift.part == Part::kLanguage) {
      whole.add(buckets);
      if (shift.layer >= 0) layers[shift.layer].add(buckets);
    }
    result.tensors.push_back(std::move(shift));
  }
  result.curve = whole.curve();
  for (const auto& [layer, mass] : layers) result.layer_curves[layer] = mass.curve();
  for (const auto& [role, mass] : modules) result.module_curves[role] = mass.curve();
  return result;
}

}  // namespace cambium::shift
