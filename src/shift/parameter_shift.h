#pragma once

#include <span>

namespace cambium::shift {

/// Sum over i of |tuned[i] - base[i]|: divided by the number of values this is the parameter shift of a tensor, a
/// layer, a module or a head (whatever the caller adds up).
///
/// @param base, tuned  the same piece of both models, of equal size; may be empty
/// @return             float64 sum in an order fixed by the size alone: the same bits on each machine. Add up pieces of
/// a fixed size in
///                     the order of the tensor, and the result does not depend on the number of threads either.
/// A NaN or infinity in the input gives a NaN or infinity.
/// Cost: one pass, SIMD, memory bound. Source: arXiv:2506.01872, where this shift sets the weight of each merged model.
[[nodiscard]] double sum_absolute_shift(std::span<const float> base, std::span<const float> tuned);

}  // namespace cambium::shift
