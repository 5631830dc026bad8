#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "merge/element_kernels.h"
#include "merge/method_info.h"
#include "merge/sum_kernels.h"
#include "merge/tensor_run.h"

namespace cambium::merge {

/// Goes the share t of the way from the base to the other model along the great circle through both (Shoemake, SIGGRAPH
/// 1985): sin((1-t) angle)/sin(angle) * base + sin(t angle)/sin(angle) * tuned, on the tensor as one vector; nearly
/// (anti)parallel vectors are interpolated linearly.
struct Slerp {
  static constexpr std::array kParameters{
      ParameterInfo{.name = "t", .required = true, .help = "0 is the base, 1 the other model"},
  };
  static constexpr MethodInfo kInfo{.name = "slerp",
                                    .source = "doi:10.1145/325334.325242",
                                    .help = "spherical interpolation between the base and one model",
                                    .base = BaseUse::kRequired,
                                    .min_inputs = 2,
                                    .max_inputs = 2,
                                    .missing = MissingTensor::kCopySingle,
                                    .parameters = kParameters};

  static constexpr double kNearlyParallel = 0.9995;
  static constexpr double kTinyNorm = 1e-8;

  static void merge(TensorRun& run) {
    const std::size_t base = *run.base();
    const std::size_t tuned = run.tuned().front();
    const std::vector<double> sums = run.sum(Cut::kFlat, 3, [&](Piece& piece, std::span<double> sum) {
      sum[0] = dot(piece.inputs[base], piece.inputs[base]);
      sum[1] = dot(piece.inputs[tuned], piece.inputs[tuned]);
      sum[2] = dot(piece.inputs[base], piece.inputs[tuned]);
    });
    const auto norm = [](double square) { return std::sqrt(square) > kTinyNorm ? std::sqrt(square) : 1.0; };
    const double cosine = std::clamp(sums[2] / (norm(sums[0]) * norm(sums[1])), -1.0, 1.0);
    const double t = static_cast<float>(run.shared("t"));
    double base_share = 1 - t;
    double tuned_share = t;
    if (std::abs(cosine) <= kNearlyParallel) {
      const double angle = std::acos(cosine);
      base_share = std::sin((1 - t) * angle) / std::sin(angle);
      tuned_share = std::sin(t * angle) / std::sin(angle);
    }
    run.report().values = {{"t", t}, {"cosine", cosine}};
    run.report().inputs[base]["weight"] = base_share;
    run.report().inputs[tuned]["weight"] = tuned_share;
    const std::vector<float> shares{static_cast<float>(base_share), static_cast<float>(tuned_share)};
    run.write(Cut::kFlat, [&](Piece& piece) {
      combine(shares, std::vector<const float*>{piece.inputs[base].data(), piece.inputs[tuned].data()}, 1, piece.out);
    });
  }
};

}  // namespace cambium::merge
