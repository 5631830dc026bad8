#include "merge/methods/neuron_fusion.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "merge/element_kernels.h"
#include "merge/sum_kernels.h"

namespace cambium::merge {

namespace {

// Sums of |task vector| by neuron, and which neurons are kept as they are.
class Neurons {
 public:
  Neurons(TensorRun& run, bool columns)
      : run_(run), columns_(columns && run.task().shape.size() > 1), row_(run.row_elements(cut())) {
    count_ = columns_ ? row_ : run.rows(cut());
  }

  // The cut whose rows are neurons, or across which they run.
  [[nodiscard]] Cut cut() const { return columns_ ? Cut::kRows : Cut::kOutRows; }

  // [model * count + neuron]
  [[nodiscard]] std::vector<double> sums() const {
    const std::size_t models = run_.tuned().size();
    std::vector<double> totals(models * count_);
    std::vector<double> bands(columns_ ? run_.bands(cut()) * totals.size() : 0);
    const auto add = [&](Piece& piece) {
      for (std::size_t k = 0; k < models; ++k) {
        const std::span<float> vector = piece.inputs[run_.tuned()[k]];
        subtract(Rounding::kNone, piece.inputs[*run_.base()], vector);
        for (std::size_t at = 0; at < piece.count; at += row_) {
          const std::span<const float> line = vector.subspan(at, row_);
          if (columns_) {
            add_magnitudes(line, std::span(bands).subspan(piece.band * totals.size() + k * count_, count_));
          } else {
            totals[k * count_ + (piece.first + at) / row_] = sum_of_magnitudes(line);
          }
        }
      }
    };
    if (!columns_) {
      run_.read(cut(), add);
      return totals;
    }
    run_.read_in_bands(cut(), add);
    for (std::size_t i = 0; i < bands.size(); ++i) totals[i % totals.size()] += bands[i];
    return totals;
  }

  // Factor of each neuron's task vector.
  [[nodiscard]] std::vector<float> factors(std::size_t input, std::span<const double> sums) const {
    const double density = run_.of_input(input, "density");
    const auto wanted = static_cast<std::size_t>(std::clamp(density, 0.0, 1.0) * static_cast<double>(count_));
    const std::size_t kept = density > 0 ? std::max<std::size_t>(1, wanted) : 0;
    std::vector<std::size_t> order(count_);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return sums[a] > sums[b]; });

    const double suppress = run_.of_input(input, "suppress");
    double before = 0, after = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      before += sums[order[i]];
      after += sums[order[i]] * (i < kept ? 1 : std::abs(suppress));
    }
    double scale = run_.of_input(input, "weight");
    auto& report = run_.report().inputs[input];
    if (run_.flag("rescale") && before > 0 && after > 0) {
      scale *= before / after;
      report["rescale"] = before / after;
    }
    report["kept_neurons"] = static_cast<double>(kept);
    std::vector<float> result(count_, static_cast<float>(scale * suppress));
    for (std::size_t i = 0; i < kept; ++i) result[order[i]] = static_cast<float>(scale);
    return result;
  }

  // values *= the factor of the neuron they belong to
  void apply(const Piece& piece, std::span<const float> factors, std::span<float> values) const {
    for (std::size_t at = 0; at < piece.count; at += row_) {
      if (columns_) {
        for (std::size_t c = 0; c < row_; ++c) values[at + c] *= factors[c];
      } else {
        scale(Rounding::kNone, factors[(piece.first + at) / row_], values.subspan(at, row_));
      }
    }
  }

  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  TensorRun& run_;
  bool columns_;
  std::size_t row_;
  std::size_t count_ = 0;
};

}  // namespace

void NeuronFusion::merge(TensorRun& run) {
  if (run.elements() == 0) return;
  const std::span<const std::size_t> tuned = run.tuned();
  const Neurons neurons(run, run.flag("columns"));
  const std::vector<double> sums = neurons.sums();
  std::vector<std::vector<float>> factors;
  for (std::size_t k = 0; k < tuned.size(); ++k) {
    factors.push_back(neurons.factors(tuned[k], std::span(sums).subspan(k * neurons.count(), neurons.count())));
  }
  const MixSteps steps;
  run.write(neurons.cut(), [&](Piece& piece) {
    for (std::size_t k = 0; k < tuned.size(); ++k) {
      const std::span<float> vector = piece.inputs[tuned[k]];
      subtract(Rounding::kNone, piece.inputs[*run.base()], vector);
      neurons.apply(piece, factors[k], vector);
    }
    mix(steps, piece.pointers(tuned), piece.inputs[*run.base()], piece.out);
  });
}

}  // namespace cambium::merge
