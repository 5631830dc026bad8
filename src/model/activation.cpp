#include "model/activation.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>

namespace cambium::model {

at::Tensor activated(Activation activation, const at::Tensor& input) {
  switch (activation) {
    case Activation::kSilu:
      return at::silu(input);
    case Activation::kGelu:
      return at::gelu(input);
    case Activation::kGeluTanh:
      return at::gelu(input, "tanh");
    case Activation::kQuickGelu:
      return input * at::sigmoid(input * 1.702);
    case Activation::kRelu:
      return at::relu(input);
  }
  return input;
}

}  // namespace cambium::model
