#include "merge/methods/multislerp.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "merge/element_kernels.h"
#include "merge/gram.h"
#include "tensor/error.h"

namespace cambium::merge {

namespace {

// out = base (if there is one) + sum_k factors[k] * (input k - base)
void write_combination(TensorRun& run, std::span<const std::size_t> inputs, std::span<const double> factors) {
  std::vector<float> rounded_factors;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    rounded_factors.push_back(static_cast<float>(factors[k]));
    run.report().inputs[inputs[k]]["weight"] = factors[k];
  }
  if (run.base()) rounded_factors.push_back(1);
  run.write(Cut::kFlat, [&](Piece& piece) {
    std::vector<float*> pointers = piece.pointers(inputs);
    if (run.base()) {
      const std::span<float> base = piece.inputs[*run.base()];
      for (const std::size_t input : inputs) subtract(run.rounding(), base, piece.inputs[input]);
      pointers.push_back(base.data());
    }
    combine(rounded_factors, pointers, 1, piece.out);
  });
}

}  // namespace

void MultiSlerp::check(const TensorTask& task) {
  const auto normalize = task.parameters.find("normalize_weights");
  if (normalize != task.parameters.end() && normalize->second == 0) return;
  double total = 0;
  std::size_t tuned = 0;
  for (const TaskInput& input : task.inputs) {
    if (input.is_base) continue;
    ++tuned;
    const auto weight = input.parameters.find("weight");
    if (weight != input.parameters.end()) total += weight->second;
  }
  if (tuned > 1 && total == 0) {
    throw ValueError(task.name +
                     ": the weights of multislerp sum to 0, so they cannot be normalised; change a weight or set "
                     "normalize_weights: false");
  }
}

void MultiSlerp::merge(TensorRun& run) {
  const std::span<const std::size_t> inputs = run.tuned();
  const std::size_t number = inputs.size();
  if (number == 1) return run.copy(inputs.front());
  const double eps = run.shared("eps");
  std::vector<double> weights;
  double total = 0;
  for (const std::size_t input : inputs) {
    weights.push_back(static_cast<double>(rounded(run.rounding(), static_cast<float>(run.of_input(input, "weight")))));
    total += weights.back();
  }
  if (run.flag("normalize_weights")) {
    for (double& weight : weights) weight /= total;
  }
  const Gram gram = Gram::of(run, inputs, Rounding::kNone, [&](Piece& piece) {
    if (!run.base()) return;
    for (const std::size_t input : inputs) subtract(run.rounding(), piece.inputs[*run.base()], piece.inputs[input]);
  });
  // Every vector from here on is a combination of the inputs (less the base), held as its factors.
  std::vector<double> unit(number), mean(number), tangent(number), result(number);
  double length = 0;
  for (std::size_t k = 0; k < number; ++k) {
    unit[k] = 1 / (gram.norm(k) + eps);
    mean[k] = weights[k] * unit[k];
    length += weights[k] * gram.norm(k);
  }
  const double mean_norm = gram.norm(mean);
  if (mean_norm < eps) {
    if (number == 2) return write_combination(run, inputs, weights);
    throw ValueError(
        fmt::format("{}: the weighted directions of the models cancel out, so multislerp has no direction to go; "
                    "change the weights",
                    run.task().name));
  }
  for (double& factor : mean) factor /= mean_norm;
  // tangent = sum_k w_k (u_k - (u_k . mean) mean)
  double along_mean = 0;
  for (std::size_t k = 0; k < number; ++k) {
    std::vector<double> direction(number);
    direction[k] = unit[k];
    along_mean += weights[k] * gram.dot(direction, mean);
  }
  for (std::size_t k = 0; k < number; ++k) tangent[k] = weights[k] * unit[k] - along_mean * mean[k];
  const double angle = gram.norm(tangent) + eps;
  for (std::size_t k = 0; k < number; ++k) {
    result[k] = length * (mean[k] * std::cos(angle) + tangent[k] * std::sin(angle) / angle);
  }
  run.report().values["length"] = length;
  write_combination(run, inputs, result);
}

void Karcher::check(const TensorTask& task) {
  for (const auto& [name, value] : task.parameters) {
    if (value < 0) throw ValueError(fmt::format("{}: {} of karcher is {}, expected 0 or more", task.name, name, value));
  }
}

void Karcher::merge(TensorRun& run) {
  const std::span<const std::size_t> inputs = run.all();
  const std::size_t number = inputs.size();
  if (number == 1) return run.copy(0);
  const double tolerance = run.shared("tol");
  const auto most_steps = static_cast<std::size_t>(run.shared("max_iter"));
  const Gram gram = Gram::of(run, inputs, Rounding::kNone, [](Piece&) {});

  std::vector<std::size_t> valid;
  double length = 0;
  for (std::size_t k = 0; k < number; ++k) {
    if (gram.norm(k) > tolerance) valid.push_back(k);
    length += gram.norm(k) / static_cast<double>(number);
  }
  std::vector<double> mean(number);
  if (!valid.empty()) {
    const double share = 1 / static_cast<double>(valid.size());
    for (const std::size_t k : valid) mean[k] = share / gram.norm(k);
    if (const double norm = gram.norm(mean); norm < tolerance) {
      std::ranges::fill(mean, 0.0);
      mean[valid.front()] = 1 / gram.norm(valid.front());
    } else {
      for (double& factor : mean) factor /= norm;
    }
  }
  std::size_t steps = 0;
  for (; steps < most_steps && !valid.empty(); ++steps) {
    std::vector<double> tangent(number);
    for (const std::size_t k : valid) {
      std::vector<double> unit(number);
      unit[k] = 1 / gram.norm(k);
      const double cosine = std::clamp(gram.dot(mean, unit), -1.0, 1.0);
      const double angle = std::acos(cosine);
      if (angle < tolerance) continue;
      const double pull = angle / std::sin(angle) / static_cast<double>(valid.size());
      for (std::size_t i = 0; i < number; ++i) tangent[i] += pull * (unit[i] - cosine * mean[i]);
    }
    const double step = gram.norm(tangent);
    if (step < tolerance) break;
    for (std::size_t i = 0; i < number; ++i) mean[i] = std::cos(step) * mean[i] + std::sin(step) * tangent[i] / step;
    if (const double norm = gram.norm(mean); norm > tolerance) {
      for (double& factor : mean) factor /= norm;
    }
  }
  run.report().values = {{"length", length}, {"steps", static_cast<double>(steps)}};
  std::vector<float> factors;
  for (std::size_t k = 0; k < number; ++k) {
    factors.push_back(static_cast<float>(length * mean[k]));
    run.report().inputs[k]["weight"] = length * mean[k];
  }
  run.write(Cut::kFlat, [&](Piece& piece) { combine(factors, piece.pointers(inputs), 1, piece.out); });
}

}  // namespace cambium::merge
