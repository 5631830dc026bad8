#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace cambium::tune {

/// Gradients of a step's outputs (undefined where nothing depends on one) to gradients of its inputs, in order.
using BackwardFunction = std::function<std::vector<at::Tensor>(std::vector<at::Tensor>&& gradients)>;

/// Whether a step on these inputs is to be differentiated: gradients are on, and an input has one.
[[nodiscard]] bool wants_gradient(at::ArrayRef<at::Tensor> inputs);

/// Makes `backward` the function through which gradients flow from `outputs` to `inputs`. The outputs were computed
/// without recording. What the function captures lives until the backward pass has run; it must not capture the
/// outputs.
/// @param inputs  where gradients go on to; may be empty (the function then stores what it computes itself)
void attach_backward(at::ArrayRef<at::Tensor> inputs, at::ArrayRef<at::Tensor> outputs, BackwardFunction backward);

/// Runs backward passes from a scalar, or from a tensor with a given gradient.
void run_backward(const at::Tensor& output, const at::Tensor& gradient = {});

/// output = function(input), keeping only the input: the backward pass computes the function again.
/// @param function  deterministic, recorded by the usual rules; may store parameters' gradients itself
[[nodiscard]] at::Tensor recomputed(const std::function<at::Tensor(const at::Tensor&)>& function,
                                    const at::Tensor& input);

}  // namespace cambium::tune
