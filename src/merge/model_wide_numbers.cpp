#include "merge/model_wide_numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "merge/global_threshold.h"
#include "merge/plan_identity.h"
#include "shift/parameter_shift.h"
#include "tensor/error.h"
#include "tensor/progress.h"
#include "tensor/workers.h"

namespace cambium::merge {
namespace {

// Elements of a tensor that one thread takes at a time; fixed, so that sums have one order.
constexpr std::size_t kPiece = 65536;

struct MergedPart {
  const PlannedTensor* tensor;
  PlannedPart* part;
};

std::vector<MergedPart> merged_parts(MergePlan& plan) {
  std::vector<MergedPart> parts;
  for (PlannedTensor& tensor : plan.tensors) {
    for (PlannedPart& part : tensor.parts) {
      if (!part.method.empty()) parts.push_back({&tensor, &part});
    }
  }
  return parts;
}

// Numbers, within a part, of the base and of the others.
std::pair<std::size_t, std::vector<std::size_t>> base_and_tuned(const MergedPart& each) {
  std::size_t base = 0;
  std::vector<std::size_t> tuned;
  for (std::size_t i = 0; i < each.part->inputs.size(); ++i) {
    if (each.tensor->inputs[each.part->inputs[i]].is_base) {
      base = i;
    } else {
      tuned.push_back(i);
    }
  }
  return {base, tuned};
}

// Sum over a part of |tuned - base|, for each of the tuned.
std::vector<double> shifts_of(const TensorTask& task, std::size_t base, const std::vector<std::size_t>& tuned,
                              const ExecuteOptions& options) {
  const std::size_t elements = numel(task.shape);
  const std::size_t pieces = (elements + kPiece - 1) / kPiece;
  std::vector<double> sums(pieces * tuned.size(), 0.0);
  const auto body = [&](std::size_t piece, unsigned) {
    if (options.progress != nullptr && options.progress->stop_requested()) throw Interrupted("stopped by the user");
    const std::size_t first = piece * kPiece, count = std::min(kPiece, elements - first);
    std::vector<float> base_values(count), values(count);
    task.inputs[base].tensor->read(first, base_values);
    for (std::size_t i = 0; i < tuned.size(); ++i) {
      task.inputs[tuned[i]].tensor->read(first, values);
      sums[piece * tuned.size() + i] = shift::sum_absolute_shift(base_values, values);
    }
    for (const TaskInput& input : task.inputs) input.tensor->release(first, count);
    if (options.progress != nullptr) options.progress->advance(count * task.inputs.size());
  };
  if (options.workers != nullptr) {
    options.workers->for_each(pieces, body);
  } else {
    for (std::size_t piece = 0; piece < pieces; ++piece) body(piece, 0);
  }
  std::vector<double> totals(tuned.size(), 0.0);
  for (std::size_t i = 0; i < sums.size(); ++i) totals[i % tuned.size()] += sums[i];
  return totals;
}

// Tensors outside of the layers stand for themselves.
std::string group_of(const PlannedTensor& tensor, Granularity granularity) {
  const family::TensorRole& role = *tensor.role;
  if (role.layer < 0) return tensor.output.name;
  if (granularity == Granularity::kLayer) return fmt::format("{} {}", family::name_of(role.part), role.layer);
  return fmt::format("{} {} {}", family::name_of(role.part), role.layer, module_of(role.role));
}

}  // namespace

void ModelWideNumbers::set(MergePlan& plan, const Recipe& recipe, const ExecuteOptions& options,
                           const SpillPlace& spill) {
  if (recipe.scope == Scope::kModel) set_cut(plan, recipe, options, spill);
  if (recipe.granularity == Granularity::kLayer || recipe.granularity == Granularity::kModule) {
    set_shifts(plan, recipe, options, spill);
  }
}

void ModelWideNumbers::set_cut(MergePlan& plan, const Recipe& recipe, const ExecuteOptions& options,
                               const SpillPlace& spill) {
  const std::vector<MergedPart> parts = merged_parts(plan);
  if (parts.empty()) return;
  const std::size_t tuned_count = base_and_tuned(parts.front()).second.size();
  for (std::size_t model = 0; model < tuned_count; ++model) {
    std::optional<double> density;
    std::string key = fmt::format("{} nonfinite {}", model, plan.allow_nonfinite);
    for (const MergedPart& each : parts) {
      const Parameters& own = each.part->per_input[base_and_tuned(each).second[model]];
      const double here = own.at("density");
      if (density && *density != here) {
        throw RecipeError(
            fmt::format("{}: scope: model takes one share of all differences together, but density is {} for "
                        "some tensors and {} for '{}'",
                        recipe.file, *density, here, each.tensor->output.name));
      }
      density = here;
      key += input_text(*each.tensor, *each.part);
    }
    key += fmt::format(" density {}", *density);
    std::vector<double>& found = found_[key];
    if (found.empty()) {
      const auto task = [&](std::size_t i) {
        const auto [base, tuned] = base_and_tuned(parts[i]);
        TensorTask whole = plan.task(*parts[i].tensor, *parts[i].part, spill);
        whole.inputs = {whole.inputs[base], whole.inputs[tuned[model]]};
        return whole;
      };
      if (options.progress != nullptr) options.progress->begin("cut", 0, "B");
      const GlobalThreshold threshold = find_global_threshold(parts.size(), task, *density, options);
      found.push_back(static_cast<double>(threshold.magnitude));
      for (const std::uint64_t ties : threshold.ties) found.push_back(static_cast<double>(ties));
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      Parameters& own = parts[i].part->per_input[base_and_tuned(parts[i]).second[model]];
      own["threshold"] = found[0];
      own["threshold_ties"] = found[i + 1];
    }
  }
}

void ModelWideNumbers::set_shifts(MergePlan& plan, const Recipe& recipe, const ExecuteOptions& options,
                                  const SpillPlace& spill) {
  const std::vector<MergedPart> parts = merged_parts(plan);
  std::string key = fmt::format("shift {}", static_cast<int>(recipe.granularity));
  for (const MergedPart& each : parts) key += input_text(*each.tensor, *each.part);
  std::vector<double>& found = found_[key];  // for each part, one shift a tuned model
  if (found.empty()) {
    struct Sum {
      std::vector<double> shift;
      std::uint64_t elements = 0;
    };
    std::map<std::string, Sum> groups;
    std::uint64_t elements = 0;
    for (const MergedPart& each : parts) elements += numel(each.part->region.shape()) * each.part->inputs.size();
    if (options.progress != nullptr) options.progress->begin("shift", elements, "elements");
    for (const MergedPart& each : parts) {
      const auto [base, tuned] = base_and_tuned(each);
      const TensorTask task = plan.task(*each.tensor, *each.part, spill);
      const std::vector<double> shifts = shifts_of(task, base, tuned, options);
      Sum& sum = groups[group_of(*each.tensor, recipe.granularity)];
      sum.shift.resize(shifts.size(), 0.0);
      for (std::size_t i = 0; i < shifts.size(); ++i) sum.shift[i] += shifts[i];
      sum.elements += numel(task.shape);
    }
    for (const MergedPart& each : parts) {
      const Sum& sum = groups.at(group_of(*each.tensor, recipe.granularity));
      for (const double shift : sum.shift)
        found.push_back(shift / static_cast<double>(std::max<std::uint64_t>(1, sum.elements)));
    }
  }
  std::size_t next = 0;
  for (const MergedPart& each : parts) {
    for (const std::size_t input : base_and_tuned(each).second) each.part->per_input[input]["shift"] = found[next++];
  }
}

}  // namespace cambium::merge
