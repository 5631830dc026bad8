#include "merge/methods/task_vectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <vector>

#include "merge/element_kernels.h"
#include "merge/kept_bits.h"
#include "merge/order_statistics.h"
#include "merge/random_mask.h"
#include "merge/rank_mask.h"
#include "merge/recorded_masks.h"
#include "merge/rounding.h"
#include "merge/sum_kernels.h"
#include "tensor/error.h"

namespace cambium::merge {

namespace {

constexpr double kTinySum = 1e-7;      // sums of magnitudes below this are not used to rescale
constexpr double kTinyWeights = 1e-8;  // weights that sum to less are not used to normalise

// What is kept of one model's task vector.
struct Sieve {
  std::size_t input = 0;
  bool everything = false;
  bool nothing = false;
  std::optional<TopCut> largest;   // keep these ...
  std::optional<TopCut> outliers;  // ... but not these
  std::optional<RandomMask> random;
  std::optional<RankMask> ranks;
  std::uint32_t below = 0;
  std::span<const std::uint8_t> recorded;
  std::optional<KeptBits> drawn;  // what the random masks above came to
  float rescale = 1;

  void apply(const Piece& piece, std::span<float> vector) const {
    if (everything) return;
    if (nothing) {
      std::ranges::fill(vector, 0.0F);
      return;
    }
    // In this order: ties with the lowest index are the first kept and the first dropped.
    if (largest) largest->keep(piece, vector, vector);
    if (outliers) outliers->drop(piece, vector, vector);
    if (drawn) return drawn->apply(piece, vector);
    if (ranks) ranks->apply(piece.first, vector);
    if (random) random->apply(below, piece.first, vector);
    for (std::size_t i = 0; i < vector.size() && !recorded.empty(); ++i) {
      if (recorded[static_cast<std::size_t>(piece.first) + i] == 0) vector[i] = 0;
    }
  }
};

class TaskVectorMerge {
 public:
  TaskVectorMerge(TensorRun& run, const TaskVectorMethod& method) : run_(run), method_(method), base_(*run.base()) {
    if (method.sparsify == Sparsify::kRandomRanks) cut_ = Cut::kRows;
    for (const std::size_t input : run.tuned()) {
      sieves_.emplace_back().input = input;
      weights_.push_back(rounded(run.rounding(), static_cast<float>(run.of_input(input, "weight"))));
      run.report().inputs[input]["weight"] = weights_.back();
    }
  }

  void prepare() {
    for (Sieve& sieve : sieves_) prepare_sieve(sieve);
    find_cuts();
    const bool sparse =
        std::ranges::any_of(sieves_, [](const Sieve& sieve) { return !sieve.everything && !sieve.nothing; });
    if (sparse && run_.flag("rescale")) find_scales();
  }

  void write() {
    MixSteps steps{.rounding = run_.rounding(),
                   .elect_signs = method_.elect_signs,
                   .normalize = run_.flag("normalize"),
                   .lambda = static_cast<float>(run_.shared("lambda")),
                   .weights = weights_,
                   .rescales = {}};
    float total = 0;
    for (const float weight : weights_) total += weight;
    steps.divisor = rounded(run_.rounding(), total);
    if (std::abs(steps.divisor) < kTinyWeights) steps.divisor = 1;
    std::vector<float> rescales;
    for (const Sieve& sieve : sieves_) rescales.push_back(sieve.rescale);
    if (std::ranges::any_of(rescales, [](float rescale) { return rescale != 1; })) steps.rescales = rescales;
    run_.write(cut_, [&](Piece& piece) {
      for (std::size_t k = 0; k < sieves_.size(); ++k) {
        const Sieve& sieve = sieves_[k];
        const std::span<float> vector = piece.inputs[sieve.input];
        subtract(run_.rounding(), piece.inputs[base_], vector);
        sieve.apply(piece, vector);
      }
      mix(steps, piece.pointers(run_.tuned()), piece.inputs[base_], piece.out);
    });
  }

 private:
  void prepare_sieve(Sieve& sieve) {
    const double density = method_.sparsify == Sparsify::kNone ? 1 : run_.of_input(sieve.input, "density");
    const auto elements = static_cast<double>(run_.elements());
    sieve.everything = density >= 1;
    sieve.nothing = density <= 0;
    if (sieve.everything || sieve.nothing || elements == 0) return;
    const TensorTask& task = run_.task();
    const std::string& model = task.inputs[sieve.input].model;
    std::uint64_t kept = 0;
    switch (method_.sparsify) {
      case Sparsify::kNone:
        return;
      case Sparsify::kMagnitude:
        kept = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(density * elements));
        queries_.push_back({sieve.input, kept, 0});
        break;
      case Sparsify::kOutliers: {
        kept = static_cast<std::uint64_t>(density * elements);
        const auto dropped = static_cast<std::uint64_t>(run_.of_input(sieve.input, "gamma") * elements);
        const std::uint64_t top = std::min(dropped, run_.elements() - kept);
        sieve.nothing = kept == 0;
        if (!sieve.nothing) queries_.push_back({sieve.input, kept + top, top});
        break;
      }
      case Sparsify::kRandom:
      case Sparsify::kRandomRanks: {
        const RandomMask random(task.seed, task.name, model);
        if (run_.options().masks != nullptr) sieve.recorded = run_.options().masks->find(task.name, model);
        if (!sieve.recorded.empty()) return;
        if (method_.sparsify == Sparsify::kRandom) {
          sieve.random = random;
          sieve.below = keep_below(density);
        } else {
          sieve.ranks.emplace(random, density, run_.of_input(sieve.input, "epsilon"), run_.row_elements(Cut::kRows));
        }
        return;
      }
    }
    run_.report().inputs[sieve.input]["kept"] = static_cast<double>(kept) / elements;
  }

  // The magnitudes at which the largest `keep` and, of them, the largest `drop` begin.
  struct CutQuery {
    std::size_t input;
    std::uint64_t keep;
    std::uint64_t drop;
  };

  void find_cuts() {
    if (queries_.empty()) return;
    std::vector<OrderQuery> ranks;
    for (std::size_t channel = 0; channel < queries_.size(); ++channel) {
      if (queries_[channel].keep < run_.elements()) ranks.push_back({channel, queries_[channel].keep - 1});
      if (queries_[channel].drop > 0) ranks.push_back({channel, queries_[channel].drop - 1});
    }
    const auto found = find_order_statistics(
        run_, Cut::kFlat, queries_.size(), ranks, [&](Piece& piece, std::span<const std::span<float>> scores) {
          for (std::size_t channel = 0; channel < queries_.size(); ++channel) {
            distances(run_.rounding(), piece.inputs[base_], piece.inputs[queries_[channel].input], scores[channel]);
          }
        });
    std::size_t next = 0;
    for (const CutQuery& query : queries_) {
      Sieve& sieve = *std::ranges::find(sieves_, query.input, &Sieve::input);
      if (query.keep < run_.elements()) {
        sieve.largest = TopCut::of(found[next++], query.keep);
        run_.report().inputs[query.input]["threshold"] = sieve.largest->threshold;
      }
      if (query.drop > 0) {
        sieve.outliers = TopCut::of(found[next++], query.drop);
        run_.report().inputs[query.input]["outlier_threshold"] = sieve.outliers->threshold;
      }
    }
  }

  void find_scales() {
    const std::size_t models = sieves_.size();
    const bool remember = KeptBits::bytes(run_, cut_) * models <= run_.options().memory_bytes / 8;
    std::vector<std::optional<KeptBits>> drawn(models);
    for (std::size_t k = 0; k < models && remember; ++k) {
      if (sieves_[k].random || sieves_[k].ranks) drawn[k].emplace(run_, cut_);
    }
    const std::vector<double> sums = run_.sum(cut_, 2 * models, [&](Piece& piece, std::span<double> sum) {
      for (std::size_t k = 0; k < models; ++k) {
        if (sieves_[k].everything || sieves_[k].nothing) continue;
        const std::span<float> vector = piece.inputs[sieves_[k].input];
        subtract(run_.rounding(), piece.inputs[base_], vector);
        sum[2 * k] = sum_of_magnitudes(vector);
        sieves_[k].apply(piece, vector);
        if (drawn[k]) drawn[k]->save(piece, vector);
        sum[2 * k + 1] = sum_of_magnitudes(vector);
      }
    });
    for (std::size_t k = 0; k < models; ++k) sieves_[k].drawn = std::move(drawn[k]);
    // On the CPU mergekit draws the masks of float16 in float32, and so rescales in it.
    const bool random = method_.sparsify == Sparsify::kRandom || method_.sparsify == Sparsify::kRandomRanks;
    const Rounding rounding = random && run_.rounding() == Rounding::kF16 ? Rounding::kNone : run_.rounding();
    for (std::size_t k = 0; k < models; ++k) {
      const float before = rounded(rounding, static_cast<float>(sums[2 * k]));
      const float after = rounded(rounding, static_cast<float>(sums[2 * k + 1]));
      if (before < kTinySum || after < kTinySum || !std::isfinite(before) || !std::isfinite(after)) continue;
      sieves_[k].rescale = rounded(rounding, before / after);
      run_.report().inputs[sieves_[k].input]["rescale"] = sieves_[k].rescale;
    }
  }

  TensorRun& run_;
  const TaskVectorMethod method_;
  const std::size_t base_;
  Cut cut_ = Cut::kFlat;
  std::vector<Sieve> sieves_;
  std::vector<float> weights_;
  std::vector<CutQuery> queries_;
};

}  // namespace

void check_task_vectors(const TensorTask& task, const TaskVectorMethod& method) {
  for (const TaskInput& input : task.inputs) {
    if (input.is_base) continue;
    const auto value = [&](std::string_view name, double fallback) {
      const auto found = input.parameters.find(name);
      return found == input.parameters.end() ? fallback : found->second;
    };
    const double density = value("density", 1);
    if (std::isnan(density))
      throw ValueError(fmt::format("{}: the density of model '{}' is not a number", task.name, input.model));
    if (method.sparsify == Sparsify::kOutliers) {
      const double gamma = value("gamma", 0.01);
      if (!(gamma >= 0 && gamma <= 1)) {
        throw ValueError(fmt::format("{}: gamma of model '{}' is {}, expected 0 to 1", task.name, input.model, gamma));
      }
    }
    if (method.sparsify == Sparsify::kRandomRanks && density > 0 && density < 1) {
      const double epsilon = value("epsilon", 0.15);
      if (!(density + epsilon < 1 && density - epsilon > 0)) {
        throw ValueError(
            fmt::format("{}: density {} and epsilon {} of model '{}' give keep probabilities from {} to {}, expected "
                        "density - epsilon and density + epsilon inside (0, 1); choose a smaller epsilon",
                        task.name, density, epsilon, input.model, density - epsilon, density + epsilon));
      }
    }
  }
}

void merge_task_vectors(TensorRun& run, const TaskVectorMethod& method) {
  if (run.tuned().empty()) return run.copy(*run.base());
  TaskVectorMerge merge(run, method);
  merge.prepare();
  merge.write();
}

}  // namespace cambium::merge
