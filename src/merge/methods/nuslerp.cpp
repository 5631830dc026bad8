#include "merge/methods/nuslerp.h"

#include <algorithm>
#include <cmath>

#include "merge/element_kernels.h"
#include "merge/sum_kernels.h"

namespace cambium::merge {

namespace {

// first_factor * u / divisor + second_factor * v / divisor
struct Shares {
  float first = 0;
  float second = 0;
  float divisor = 1;
};

// sums: |u|^2, |v|^2, u.v
Shares shares_of(double t, std::span<const double> sums, Rounding rounding) {
  const auto round = [&](double value) { return static_cast<double>(rounded(rounding, static_cast<float>(value))); };
  const auto norm = [&](double square) { return std::max(round(std::sqrt(square)), 1e-7); };
  // In float32 the cosine is exact: rounding it would cost digits of a small angle.
  double cosine = std::clamp(sums[2] / (norm(sums[0]) * norm(sums[1])), -1.0, 1.0);
  if (rounding != Rounding::kNone) cosine = round(cosine);
  if (1 - cosine * cosine <= 1e-16) return {static_cast<float>(1 - t), static_cast<float>(t), 1};
  if (rounding == Rounding::kNone) {
    const double angle = std::acos(cosine);
    return {static_cast<float>(std::sin((1 - t) * angle) / std::sin(angle)),
            static_cast<float>(std::sin(t * angle) / std::sin(angle)), 1};
  }
  const double angle = round(std::acos(cosine));
  return {static_cast<float>(round(std::sin(round((1 - t) * angle)))),
          static_cast<float>(round(std::sin(round(t * angle)))), static_cast<float>(round(std::sin(angle)))};
}

class Interpolation {
 public:
  explicit Interpolation(TensorRun& run) : run_(run), first_(run.tuned()[0]), second_(run.tuned()[1]) {
    const double first_weight = run.of_input(first_, "weight");
    const double total = first_weight + run.of_input(second_, "weight");
    t_ = std::abs(total) < 1e-6 ? 0.5 : run.of_input(second_, "weight") / total;
    run.report().values["t"] = t_;
  }

  void flattened() {
    const std::vector<double> sums = run_.sum(Cut::kFlat, 3, [&](Piece& piece, std::span<double> sum) {
      from_base(piece);
      add_run(piece, 0, piece.count, sum);
    });
    const Shares shares = shares_of(t_, sums, run_.rounding());
    run_.report().inputs[first_]["weight"] = shares.first / shares.divisor;
    run_.report().inputs[second_]["weight"] = shares.second / shares.divisor;
    run_.write(Cut::kFlat, [&](Piece& piece) {
      from_base(piece);
      blend(piece, shares, 0, piece.count);
    });
  }

  void along_last_dimension() {
    const std::size_t row = run_.row_elements(Cut::kRows);
    run_.write(Cut::kRows, [&](Piece& piece) {
      from_base(piece);
      for (std::size_t at = 0; at < piece.count; at += row) {
        std::array<double, 3> sums{};
        add_run(piece, at, row, sums);
        blend(piece, shares_of(t_, sums, run_.rounding()), at, row);
      }
    });
  }

  // Sums of every run along the first dimension at once, in a fixed number of bands of pieces.
  void along_first_dimension() {
    const std::size_t columns = run_.row_elements(Cut::kOutRows);
    const std::size_t bands = run_.bands(Cut::kOutRows);
    std::vector<double> sums(bands * 3 * columns);
    run_.read_in_bands(Cut::kOutRows, [&](Piece& piece) {
      from_base(piece);
      const std::span<double> own = std::span(sums).subspan(piece.band * 3 * columns, 3 * columns);
      for (std::size_t at = 0; at < piece.count; at += columns) {
        const auto u = piece.inputs[first_].subspan(at, columns);
        const auto v = piece.inputs[second_].subspan(at, columns);
        add_products(u, u, own.first(columns));
        add_products(v, v, own.subspan(columns, columns));
        add_products(u, v, own.last(columns));
      }
    });
    std::vector<Shares> shares(columns);
    for (std::size_t c = 0; c < columns; ++c) {
      std::array<double, 3> total{};
      for (std::size_t band = 0; band < bands; ++band) {
        for (std::size_t k = 0; k < 3; ++k) total[k] += sums[(band * 3 + k) * columns + c];
      }
      shares[c] = shares_of(t_, total, run_.rounding());
    }
    run_.write(Cut::kOutRows, [&](Piece& piece) {
      from_base(piece);
      for (std::size_t at = 0; at < piece.count; ++at) blend(piece, shares[at % columns], at, 1);
    });
  }

 private:
  void from_base(Piece& piece) const {
    if (!run_.base()) return;
    subtract(run_.rounding(), piece.inputs[*run_.base()], piece.inputs[first_]);
    subtract(run_.rounding(), piece.inputs[*run_.base()], piece.inputs[second_]);
  }

  void add_run(const Piece& piece, std::size_t at, std::size_t count, std::span<double> sums) const {
    const auto u = piece.inputs[first_].subspan(at, count);
    const auto v = piece.inputs[second_].subspan(at, count);
    sums[0] += dot(u, u);
    sums[1] += dot(v, v);
    sums[2] += dot(u, v);
  }

  void blend(Piece& piece, Shares shares, std::size_t at, std::size_t count) const {
    const std::span<const float> base =
        run_.base() ? piece.inputs[*run_.base()].subspan(at, count) : std::span<float>();
    blend_pair(run_.rounding(), shares.first, shares.second, shares.divisor, piece.inputs[first_].subspan(at, count),
               piece.inputs[second_].subspan(at, count), base, piece.out.subspan(at, count));
  }

  TensorRun& run_;
  const std::size_t first_;
  const std::size_t second_;
  double t_ = 0;
};

}  // namespace

void NuSlerp::merge(TensorRun& run) {
  Interpolation interpolation(run);
  if (run.flag("nuslerp_flatten")) return interpolation.flattened();
  const bool vector = run.task().shape.size() < 2;
  if (vector || !run.flag("nuslerp_row_wise")) return interpolation.along_last_dimension();
  interpolation.along_first_dimension();
}

}  // namespace cambium::merge
