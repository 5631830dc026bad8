#include "merge/methods/recover.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "merge/element_kernels.h"
#include "merge/order_statistics.h"
#include "merge/select_kernels.h"
#include "tensor/error.h"

namespace cambium::merge {

namespace {

struct Donor {
  std::size_t input = 0;
  float alpha = 0;
  bool nothing = false;
  std::optional<TopCut> cut;
};

void difference(const TensorRun& run, Piece& piece, std::size_t input) {
  subtract(Rounding::kNone, piece.inputs[*run.base()], piece.inputs[input]);
}

// A threshold of the whole model: which ties are kept follows from how many each piece has.
TopCut cut_at(TensorRun& run, std::size_t input, float threshold, std::optional<double> ties) {
  OrderStatistic statistic{.value = threshold, .above = 0, .equal = 0, .in_piece = {}};
  if (!ties || *ties >= static_cast<double>(run.elements())) return TopCut::of(statistic, 0);
  statistic.in_piece.resize(run.pieces(Cut::kFlat));
  run.read(Cut::kFlat, [&](Piece& piece) {
    distances(Rounding::kNone, piece.inputs[*run.base()], piece.inputs[input], piece.out);
    statistic.in_piece[piece.index] =
        static_cast<std::uint32_t>(collect_between(threshold, threshold, piece.out, {}).inside);
  });
  return TopCut::of(statistic, static_cast<std::uint64_t>(*ties));
}

}  // namespace

void Recover::check(const TensorTask& task) {
  for (const TaskInput& input : task.inputs) {
    for (const std::string_view name : {"alpha", "density", "threshold", "threshold_ties"}) {
      const auto found = input.parameters.find(name);
      if (found == input.parameters.end()) continue;
      if (!std::isfinite(found->second) || (name != "alpha" && found->second < 0)) {
        throw ValueError(fmt::format("{}: {} of model '{}' is {}, expected {}", task.name, name, input.model,
                                     found->second, name == "alpha" ? "a finite number" : "0 or more"));
      }
    }
  }
}

void Recover::merge(TensorRun& run) {
  if (run.elements() == 0) return;
  std::vector<Donor> donors;
  std::vector<OrderQuery> queries;
  std::vector<std::size_t> queried;
  std::vector<std::uint64_t> kept;
  for (const std::size_t input : run.tuned()) {
    Donor& donor = donors.emplace_back();
    donor.input = input;
    donor.alpha = static_cast<float>(run.of_input(input, "alpha"));
    run.report().inputs[input]["alpha"] = donor.alpha;
    if (const auto threshold = run.find_of_input(input, "threshold")) {
      donor.cut = cut_at(run, input, static_cast<float>(*threshold), run.find_of_input(input, "threshold_ties"));
      run.report().inputs[input]["threshold"] = *threshold;
      continue;
    }
    const double density = run.of_input(input, "density");
    donor.nothing = density <= 0;
    if (density >= 1 || density <= 0) continue;
    const auto elements = static_cast<double>(run.elements());
    kept.push_back(std::max<std::uint64_t>(1, static_cast<std::uint64_t>(density * elements)));
    queries.push_back({.channel = queried.size(), .rank = kept.back() - 1});
    queried.push_back(donors.size() - 1);
    run.report().inputs[input]["kept"] = static_cast<double>(kept.back()) / elements;
  }
  if (!queries.empty()) {
    const auto found = find_order_statistics(
        run, Cut::kFlat, queries.size(), queries, [&](Piece& piece, std::span<const std::span<float>> scores) {
          for (std::size_t c = 0; c < queried.size(); ++c) {
            distances(Rounding::kNone, piece.inputs[*run.base()], piece.inputs[donors[queried[c]].input], scores[c]);
          }
        });
    for (std::size_t c = 0; c < queried.size(); ++c) {
      donors[queried[c]].cut = TopCut::of(found[c], kept[c]);
      run.report().inputs[donors[queried[c]].input]["threshold"] = found[c].value;
    }
  }
  std::vector<float> factors{1};
  for (const Donor& donor : donors) factors.push_back(donor.nothing ? 0 : donor.alpha);
  run.write(Cut::kFlat, [&](Piece& piece) {
    std::vector<const float*> inputs{piece.inputs[*run.base()].data()};
    for (const Donor& donor : donors) {
      const std::span<float> vector = piece.inputs[donor.input];
      difference(run, piece, donor.input);
      if (donor.cut) donor.cut->keep(piece, vector, vector);
      inputs.push_back(vector.data());
    }
    combine(factors, inputs, 1, piece.out);
  });
}

}  // namespace cambium::merge
