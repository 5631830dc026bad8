#pragma once

#include <array>
#include <cmath>
#include <vector>

#include "merge/element_kernels.h"
#include "merge/method_info.h"
#include "merge/order_statistics.h"
#include "merge/softmax_divergence.h"
#include "merge/tensor_run.h"

namespace cambium::merge {

/// Takes from the other model only the elements whose importance stands out: |tuned - base| times the divergence of the
/// row's softmax, at least median + 1.5 * (third quartile - first quartile). Above 10^6 elements mergekit draws the
/// quartiles from a random sample; here they are always exact.
struct ArceeFusion {
  static constexpr MethodInfo kInfo{.name = "arcee_fusion",
                                    .source = "mergekit",
                                    .help = "takes the outstanding changes of one model into the base",
                                    .base = BaseUse::kRequired,
                                    .min_inputs = 2,
                                    .max_inputs = 2,
                                    .missing = MissingTensor::kCopySingle};

  static void merge(TensorRun& run) {
    const std::size_t base = *run.base();
    const std::size_t tuned = run.tuned().front();
    const Rounding rounding = run.rounding();
    const std::uint64_t row = run.row_elements(Cut::kRows);
    if (run.elements() == 0) return;
    std::vector<float> divergence(run.rows(Cut::kRows));
    run.read(Cut::kRows, [&](Piece& piece) {
      for (std::size_t at = 0; at < piece.count; at += row) {
        divergence[(piece.first + at) / row] =
            softmax_divergence(rounding, piece.inputs[tuned].subspan(at, row), piece.inputs[base].subspan(at, row));
      }
    });
    // Fills scores with the importance of piece's elements; inputs[tuned] becomes the task vector.
    const auto importance = [&](Piece& piece, std::span<float> scores) {
      subtract(rounding, piece.inputs[base], piece.inputs[tuned]);
      magnitudes(piece.inputs[tuned], scores);
      for (std::size_t at = 0; at < piece.count;) {
        const std::uint64_t element = piece.first + at;
        const auto left = static_cast<std::size_t>(std::min<std::uint64_t>(piece.count - at, row - element % row));
        scale(rounding, divergence[element / row], scores.subspan(at, left));
        at += left;
      }
    };
    // The quantile q of n values in rising order is number floor(q (n - 1)); queries count from the largest.
    std::vector<OrderQuery> queries;
    for (const float share : {0.25F, 0.5F, 0.75F}) {
      const auto index = static_cast<std::uint64_t>(share * static_cast<float>(run.elements() - 1));
      queries.push_back({.channel = 0, .rank = run.elements() - 1 - std::min(index, run.elements() - 1)});
    }
    const auto quartiles = find_order_statistics(
        run, Cut::kFlat, 1, queries,
        [&](Piece& piece, std::span<const std::span<float>> scores) { importance(piece, scores[0]); });
    const float spread = rounded(rounding, quartiles[2].value - quartiles[0].value);
    const float threshold = rounded(rounding, quartiles[1].value + rounded(rounding, 1.5F * spread));
    run.report().values = {{"threshold", threshold}, {"median", quartiles[1].value}};
    const MixSteps steps{.rounding = rounding};
    run.write(Cut::kFlat, [&](Piece& piece) {
      importance(piece, piece.out);
      for (std::size_t i = 0; i < piece.count; ++i) {
        if (!(piece.out[i] >= threshold)) piece.inputs[tuned][i] = 0;
      }
      mix(steps, std::vector<float*>{piece.inputs[tuned].data()}, piece.inputs[base], piece.out);
    });
  }
};

/// Pulls the base towards the other model where the two are near: weight = clamp(t / |base - tuned|, 0, 1).
struct NearSwap {
  static constexpr std::array kParameters{
      ParameterInfo{
          .name = "t", .required = true, .help = "distance up to which the other model's value is taken whole"},
  };
  static constexpr MethodInfo kInfo{.name = "nearswap",
                                    .source = "https://huggingface.co/alchemonaut/QuartetAnemoi-70B-t0.0001",
                                    .help = "takes the other model's values where they are near the base's",
                                    .base = BaseUse::kRequired,
                                    .min_inputs = 2,
                                    .max_inputs = 2,
                                    .missing = MissingTensor::kCopySingleBase,
                                    .parameters = kParameters};

  static void merge(TensorRun& run) {
    const auto t = static_cast<float>(run.shared("t"));
    run.report().values["t"] = t;
    run.write(Cut::kFlat, [&](Piece& piece) {
      swap_near(run.rounding(), t, piece.inputs[*run.base()], piece.inputs[run.tuned().front()], piece.out);
    });
  }
};

}  // namespace cambium::merge
