#include "merge/methods/model_stock.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "merge/element_kernels.h"
#include "merge/gram.h"

namespace cambium::merge {

namespace {

float share_of_mean(const Gram& gram, Rounding rounding) {
  const auto round = [&](double value) { return static_cast<double>(rounded(rounding, static_cast<float>(value))); };
  const auto number = static_cast<double>(gram.size());
  double sum = 0;
  for (std::size_t i = 0; i < gram.size(); ++i) {
    for (std::size_t j = i + 1; j < gram.size(); ++j) {
      const double norms = round(round(gram.norm(i)) * round(gram.norm(j)));
      sum += std::clamp(round(round(gram(i, j)) / std::max(norms, 1e-6)), -1.0, 1.0);
    }
  }
  const double cosine = round(sum / (number * (number - 1) / 2));
  const double denominator = round(1 + round((number - 1) * cosine));
  if (std::abs(denominator) < 1e-6) return 0;
  return static_cast<float>(round(round(number * cosine) / denominator));
}

}  // namespace

void ModelStock::merge(TensorRun& run) {
  const std::size_t base = *run.base();
  const std::span<const std::size_t> tuned = run.tuned();
  if (!run.flag("filter_wise")) {
    const float t = share_of_mean(Gram::of(run, tuned, run.rounding(),
                                           [&](Piece& piece) {
                                             for (const std::size_t i : tuned) {
                                               subtract(run.rounding(), piece.inputs[base], piece.inputs[i]);
                                             }
                                           }),
                                  run.rounding());
    run.report().values["t"] = t;
    return run.write(Cut::kFlat, [&](Piece& piece) {
      blend_with_mean(run.rounding(), t, piece.pointers(tuned), piece.inputs[base], piece.out);
    });
  }
  const std::size_t row = run.row_elements(Cut::kRows);
  run.write(Cut::kRows, [&](Piece& piece) {
    std::vector<float> offset(row);
    // The task vectors of one row at a time; the rows themselves are still needed.
    Piece vectors;
    std::vector<std::vector<float>> rows(tuned.size());
    std::vector<std::size_t> which;
    for (std::size_t k = 0; k < tuned.size(); ++k) which.push_back(k);
    for (std::size_t at = 0; at < piece.count; at += row) {
      const std::span<const float> base_row = piece.inputs[base].subspan(at, row);
      vectors.inputs.clear();
      std::vector<const float*> pointers;
      for (std::size_t k = 0; k < tuned.size(); ++k) {
        const std::span<const float> values = piece.inputs[tuned[k]].subspan(at, row);
        pointers.push_back(values.data());
        rows[k].assign(values.begin(), values.end());
        subtract(run.rounding(), base_row, rows[k]);
        vectors.inputs.emplace_back(rows[k]);
      }
      const float t = share_of_mean(Gram::of(vectors, which, run.rounding()), run.rounding());
      blend_with_mean(run.rounding(), t, pointers, base_row, piece.out.subspan(at, row));
    }
  });
}

}  // namespace cambium::merge
