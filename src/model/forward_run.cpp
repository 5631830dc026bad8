#include "model/forward_run.h"

#include <ATen/core/grad_mode.h>

#include "model/decoder.h"
#include "model/device.h"
#include "model/forward_inputs.h"
#include "model/loaded_model.h"
#include "model/tensor_file.h"

void cambium_forward(const cambium::model::ForwardOptions& options) {
  using namespace cambium::model;
  const at::NoGradGuard no_gradients;
  (void)open_device(options.device);
  const LoadedModel model = load_model(open_model(options.model), dtype_option(options.dtype));
  const Decoder decoder(model.config, model.weights);
  const ForwardInputs inputs = forward_inputs(read_tensor_file(options.inputs), model.config, options.inputs);
  const at::Tensor hidden =
      decoder.forward_embeddings(decoder.embed(inputs.ids), AttentionLayout::from_mask(inputs.mask));
  write_tensor_file(options.output, {{"logits", decoder.logits(hidden).to(at::kFloat)}});
}
