#include "merge/methods/shift_softmax.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "merge/element_kernels.h"
#include "merge/sum_kernels.h"
#include "tensor/error.h"

namespace cambium::merge {

namespace {

// The elements of a tensor in runs that share their weights: a group is a head, or the whole tensor.
struct Groups {
  std::size_t count = 1;
  std::size_t run = 0;  // elements of a run
  std::size_t period =
      0;  // runs before the first group comes again: groups lie side by side in each row; 0: one after another

  // Calls body(group, offset in the piece, elements) for each part of the piece that lies in one run.
  template <class Body>
  void for_each(const Piece& piece, const Body& body) const {
    for (std::size_t at = 0; at < piece.count;) {
      const std::uint64_t element = piece.first + at;
      const std::uint64_t index = element / run;
      const auto left = static_cast<std::size_t>(std::min<std::uint64_t>(piece.count - at, run - element % run));
      const std::uint64_t group = period != 0 ? index % period : index;
      body(static_cast<std::size_t>(std::min<std::uint64_t>(group, count - 1)), at, left);
      at += left;
    }
  }
};

Groups groups_of(const TensorRun& run) {
  const TensorTask& task = run.task();
  Groups groups;
  groups.run = static_cast<std::size_t>(std::max<std::uint64_t>(1, run.elements()));
  if (!run.flag("by_head") || !task.heads || task.shape.empty()) return groups;
  const auto heads = static_cast<std::size_t>(task.heads->count);
  const auto head_dim = static_cast<std::size_t>(task.heads->head_dim);
  groups.count = heads;
  if (task.heads->along_columns) {
    groups.run = head_dim;
    groups.period = heads;
  } else {
    groups.run = head_dim * run.row_elements(Cut::kOutRows);
  }
  return groups;
}

// softmax(tau * shifts), in float64
std::vector<double> weights_of(std::span<const double> shifts, double tau) {
  double top = -std::numeric_limits<double>::infinity();
  for (const double shift : shifts) top = std::max(top, tau * shift);
  std::vector<double> weights;
  double total = 0;
  for (const double shift : shifts) {
    weights.push_back(std::exp(tau * shift - top));
    total += weights.back();
  }
  for (double& weight : weights) weight /= total;
  return weights;
}

// Mean shift of each model in each group: [group * models + model].
std::vector<double> measure(TensorRun& run, const Groups& groups) {
  const std::span<const std::size_t> tuned = run.tuned();
  std::vector<double> shifts =
      run.sum(Cut::kFlat, groups.count * tuned.size(), [&](Piece& piece, std::span<double> sums) {
        groups.for_each(piece, [&](std::size_t group, std::size_t at, std::size_t count) {
          for (std::size_t k = 0; k < tuned.size(); ++k) {
            sums[group * tuned.size() + k] += sum_of_distances(piece.inputs[tuned[k]].subspan(at, count),
                                                               piece.inputs[*run.base()].subspan(at, count));
          }
        });
      });
  const auto group_elements = static_cast<double>(run.elements()) / static_cast<double>(groups.count);
  for (double& shift : shifts) shift /= group_elements;
  return shifts;
}

}  // namespace

void ShiftSoftmax::check(const TensorTask& task) {
  if (task.heads) {
    const HeadBlocks& heads = *task.heads;
    const std::int64_t along = task.shape.empty() ? 0 : heads.along_columns ? task.shape.back() : task.shape.front();
    if (heads.count <= 0 || heads.count * heads.head_dim != along) {
      throw ShapeError(fmt::format("{}: {} heads of {} do not make up dimension {} of shape {}", task.name, heads.count,
                                   heads.head_dim, heads.along_columns ? task.shape.size() - 1 : 0,
                                   to_string(task.shape)));
    }
  }
}

void ShiftSoftmax::merge(TensorRun& run) {
  if (run.elements() == 0) return;
  const std::span<const std::size_t> tuned = run.tuned();
  const std::size_t models = tuned.size();
  Groups groups = groups_of(run);
  std::vector<double> shifts;
  for (const std::size_t input : tuned) {
    if (const auto given = run.find_of_input(input, "shift")) shifts.push_back(*given);
  }
  if (shifts.size() == models) {
    groups.count = 1;
  } else {
    shifts = measure(run, groups);
  }
  const double alpha0 = run.shared("alpha0");
  std::vector<float> factors;  // of each group: base, then the models
  for (std::size_t group = 0; group < groups.count; ++group) {
    const auto weights = weights_of(std::span(shifts).subspan(group * models, models), run.shared("tau"));
    factors.push_back(static_cast<float>(alpha0));
    for (std::size_t k = 0; k < models; ++k) {
      factors.push_back(static_cast<float>((1 - alpha0) * weights[k]));
      auto& report = run.report().inputs[tuned[k]];
      report["weight"] += (1 - alpha0) * weights[k] / static_cast<double>(groups.count);
      report["shift"] += shifts[group * models + k] / static_cast<double>(groups.count);
    }
  }
  run.report().inputs[*run.base()]["weight"] = alpha0;
  run.write(Cut::kFlat, [&](Piece& piece) {
    groups.for_each(piece, [&](std::size_t group, std::size_t at, std::size_t count) {
      std::vector<const float*> inputs{piece.inputs[*run.base()].data() + at};
      for (const std::size_t input : tuned) inputs.push_back(piece.inputs[input].data() + at);
      combine(std::span(factors).subspan(group * (models + 1), models + 1), inputs, 1, piece.out.subspan(at, count));
    });
  });
}

}  // namespace cambium::merge
