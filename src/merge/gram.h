#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "merge/tensor_run.h"

namespace cambium::merge {

/// Dot products of every pair of some vectors, in float64: all that interpolation between them needs to know of their
/// geometry, found in one pass however long they are.
class Gram {
 public:
  /// The vectors are the inputs named, each flattened, after `prepare` had the piece (to subtract a base, say).
  static Gram of(TensorRun& run, std::span<const std::size_t> inputs, Rounding products,
                 const TensorRun::Body& prepare);
  /// The same of one piece.
  static Gram of(const Piece& piece, std::span<const std::size_t> inputs, Rounding products);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] double operator()(std::size_t i, std::size_t j) const {
    return i < j ? products_[j * (j + 1) / 2 + i] : products_[i * (i + 1) / 2 + j];
  }
  [[nodiscard]] double norm(std::size_t i) const;

  /// Dot product of two linear combinations of the vectors.
  [[nodiscard]] double dot(std::span<const double> first, std::span<const double> second) const;
  [[nodiscard]] double norm(std::span<const double> combination) const;

 private:
  Gram(std::size_t size, std::vector<double> products) : size_(size), products_(std::move(products)) {}

  std::size_t size_;
  std::vector<double> products_;  // lower triangle by rows
};

}  // namespace cambium::merge
