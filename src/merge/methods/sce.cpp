#include "merge/methods/sce.h"

#include <cmath>
#include <optional>
#include <vector>

#include "merge/element_kernels.h"
#include "merge/order_statistics.h"
#include "merge/sum_kernels.h"

namespace cambium::merge {

namespace {

class Fusion {
 public:
  explicit Fusion(TensorRun& run) : run_(run), base_(*run.base()) {}

  void select(double share) {
    if (share >= 1) return;
    none_ = share <= 0;
    if (none_) return;
    const double varying = run_.sum(Cut::kFlat, 1, [&](Piece& piece, std::span<double> sum) {
      score(piece, piece.out);
      for (const float variance : piece.out) sum[0] += variance != 0 ? 1 : 0;
    })[0];
    const auto k = static_cast<std::uint64_t>(varying * share);
    none_ = k == 0;
    run_.report().values["kept"] = static_cast<double>(k) / static_cast<double>(run_.elements());
    if (none_) return;
    const OrderQuery query{.channel = 0, .rank = k - 1};
    const auto found =
        find_order_statistics(run_, Cut::kFlat, 1, {&query, 1},
                              [&](Piece& piece, std::span<const std::span<float>> scores) { score(piece, scores[0]); });
    cut_ = TopCut::of(found[0], k);
    run_.report().values["threshold"] = cut_->threshold;
  }

  void weigh() {
    const std::span<const std::size_t> tuned = run_.tuned();
    const std::vector<double> squares = run_.sum(Cut::kFlat, tuned.size(), [&](Piece& piece, std::span<double> sums) {
      select_in(piece);
      for (std::size_t k = 0; k < tuned.size(); ++k)
        sums[k] = dot(run_.rounding(), piece.inputs[tuned[k]], piece.inputs[tuned[k]]);
    });
    float total = 0;
    for (const double square : squares) {
      weights_.push_back(rounded(run_.rounding(), static_cast<float>(square / static_cast<double>(run_.elements()))));
      total += weights_.back();
    }
    total = rounded(run_.rounding(), total);
    for (std::size_t k = 0; k < tuned.size(); ++k) {
      const float weight = std::abs(total) < 1e-6F ? 1.0F / static_cast<float>(tuned.size()) : weights_[k] / total;
      weights_[k] = rounded(run_.rounding(), weight);
      run_.report().inputs[tuned[k]]["weight"] = weights_[k];
    }
  }

  void write() {
    run_.write(Cut::kFlat, [&](Piece& piece) {
      select_in(piece);
      fuse_elected(run_.rounding(), weights_, piece.pointers(run_.tuned()), piece.inputs[base_], piece.out);
    });
  }

 private:
  void take_task_vectors(Piece& piece) const {
    for (const std::size_t i : run_.tuned()) subtract(run_.rounding(), piece.inputs[base_], piece.inputs[i]);
  }

  void score(Piece& piece, std::span<float> scores) const {
    take_task_vectors(piece);
    variances(run_.rounding(), piece.pointers(run_.tuned()), scores);
  }

  // The inputs become the selected task vectors.
  void select_in(Piece& piece) const {
    if (!cut_ && !none_) return take_task_vectors(piece);
    score(piece, piece.out);
    for (const std::size_t i : run_.tuned()) {
      if (none_) {
        std::ranges::fill(piece.inputs[i], 0.0F);
      } else {
        cut_->keep(piece, piece.out, piece.inputs[i]);
      }
    }
  }

  TensorRun& run_;
  const std::size_t base_;
  bool none_ = false;
  std::optional<TopCut> cut_;
  std::vector<float> weights_;
};

}  // namespace

void Sce::merge(TensorRun& run) {
  if (run.tuned().empty()) return run.copy(*run.base());
  Fusion fusion(run);
  fusion.select(run.shared("select_topk"));
  fusion.weigh();
  fusion.write();
}

}  // namespace cambium::merge
