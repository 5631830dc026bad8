#include "merge/method_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "merge/methods/arcee_fusion.h"
#include "merge/methods/linear.h"
#include "merge/methods/model_stock.h"
#include "merge/methods/multislerp.h"
#include "merge/methods/neuron_fusion.h"
#include "merge/methods/nuslerp.h"
#include "merge/methods/passthrough.h"
#include "merge/methods/ram.h"
#include "merge/methods/recover.h"
#include "merge/methods/sce.h"
#include "merge/methods/shift_softmax.h"
#include "merge/methods/slerp.h"
#include "merge/methods/task_vectors.h"
#include "tensor/error.h"

namespace cambium::merge {

namespace {

template <class Struct>
constexpr Method row() {
  if constexpr (requires { Struct::kMethod; }) {
    return {&Struct::kInfo, [](TensorRun& run) { merge_task_vectors(run, Struct::kMethod); },
            [](const TensorTask& task) { check_task_vectors(task, Struct::kMethod); }};
  } else if constexpr (requires { &Struct::check; }) {
    return {&Struct::kInfo, &Struct::merge, &Struct::check};
  } else {
    return {&Struct::kInfo, &Struct::merge, nullptr};
  }
}

constexpr std::array kMethods{
    row<Recover>(),
    row<ShiftSoftmax>(),
    row<Average>(),
    row<NeuronFusion>(),
    row<Linear>(),
    row<Slerp>(),
    row<NuSlerp>(),
    row<MultiSlerp>(),
    row<Karcher>(),
    row<TaskArithmetic>(),
    row<Ties>(),
    row<DareLinear>(),
    row<DareTies>(),
    row<Della>(),
    row<DellaLinear>(),
    row<Breadcrumbs>(),
    row<BreadcrumbsTies>(),
    row<Sce>(),
    row<ModelStock>(),
    row<ArceeFusion>(),
    row<NearSwap>(),
    row<Ram>(),
    row<RamPlus>(),
    row<Passthrough>(),
};

// Edits that turn one name into the other: insert, delete, replace.
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row.back();
}

std::string inputs_text(std::size_t count) { return fmt::format("{} input{}", count, count == 1 ? "" : "s"); }

}  // namespace

std::span<const Method> method_table() { return kMethods; }

std::string nearest_names(std::string_view name, std::span<const std::string_view> known) {
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const std::string_view other : known) {
    const std::size_t distance = edit_distance(name, other);
    const bool contained = name.size() >= 3 && (other.find(name) != other.npos || name.find(other) != name.npos);
    if (distance <= std::max<std::size_t>(2, name.size() / 3) || contained) near.emplace_back(distance, other);
  }
  if (near.empty()) return fmt::format("known: {}", fmt::join(known, ", "));
  std::ranges::stable_sort(near, {}, &std::pair<std::size_t, std::string_view>::first);
  if (near.size() == 1) return fmt::format("did you mean '{}'?", near[0].second);
  return fmt::format("did you mean '{}' or '{}'?", near[0].second, near[1].second);
}

const Method& find_method(std::string_view name) {
  for (const Method& method : kMethods) {
    if (method.info->name == name) return method;
  }
  std::vector<std::string_view> known;
  for (const Method& method : kMethods) known.push_back(method.info->name);
  throw RecipeError(fmt::format("unknown merge method '{}'; {}", name, nearest_names(name, known)));
}

void check_inputs(const MethodInfo& info, std::size_t inputs, bool has_base, std::string_view where) {
  if (info.base == BaseUse::kRequired && !has_base) {
    throw RecipeError(fmt::format("{}: method '{}' needs a base model; name it with base_model", where, info.name));
  }
  const auto check = [&](std::size_t count, std::size_t least, std::optional<std::size_t> most,
                         std::string_view counted) {
    if (count >= least && (!most || count <= *most)) return;
    const bool exactly = most == least;
    throw RecipeError(fmt::format("{}: method '{}' takes {} {}{}, got {}", where, info.name,
                                  exactly         ? "exactly"
                                  : count < least ? "at least"
                                                  : "at most",
                                  inputs_text(count < least ? least : *most), counted, count));
  };
  check(inputs, info.min_inputs, info.max_inputs, info.base == BaseUse::kRequired ? " (the base counts)" : "");
  const bool counts_base = has_base && info.base != BaseUse::kIgnored;
  check(inputs - (counts_base ? 1 : 0), info.min_tuned, info.max_tuned, " besides the base");
}

}  // namespace cambium::merge
