#include "merge/gram.h"

#include <algorithm>
#include <cmath>

#include "merge/sum_kernels.h"

namespace cambium::merge {

namespace {

void add_products_of(const Piece& piece, std::span<const std::size_t> inputs, Rounding rounding,
                     std::span<double> sums) {
  std::size_t next = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      sums[next++] += dot(i == j ? Rounding::kNone : rounding, piece.inputs[inputs[i]], piece.inputs[inputs[j]]);
    }
  }
}

}  // namespace

Gram Gram::of(TensorRun& run, std::span<const std::size_t> inputs, Rounding products, const TensorRun::Body& prepare) {
  const std::size_t number = inputs.size() * (inputs.size() + 1) / 2;
  return {inputs.size(), run.sum(Cut::kFlat, number, [&](Piece& piece, std::span<double> sums) {
            prepare(piece);
            add_products_of(piece, inputs, products, sums);
          })};
}

Gram Gram::of(const Piece& piece, std::span<const std::size_t> inputs, Rounding products) {
  std::vector<double> sums(inputs.size() * (inputs.size() + 1) / 2);
  add_products_of(piece, inputs, products, sums);
  return {inputs.size(), std::move(sums)};
}

double Gram::norm(std::size_t i) const { return std::sqrt((*this)(i, i)); }

double Gram::dot(std::span<const double> first, std::span<const double> second) const {
  double sum = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    for (std::size_t j = 0; j < size_; ++j) sum += first[i] * second[j] * (*this)(i, j);
  }
  return sum;
}

double Gram::norm(std::span<const double> combination) const {
  return std::sqrt(std::max(0.0, dot(combination, combination)));
}

}  // namespace cambium::merge
