#pragma once

#include <ATen/core/Tensor.h>

#include "model/decoder_config.h"

namespace cambium::model {

/// The nonlinearity, elementwise; differentiable.
[[nodiscard]] at::Tensor activated(Activation activation, const at::Tensor& input);

}  // namespace cambium::model
