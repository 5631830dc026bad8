#include "model/forward_run.h"

#include <ATen/core/grad_mode.h>

#include <optional>

#include "model/decoder.h"
#include "model/device.h"
#include "model/device_decoder.h"
#include "model/forward_inputs.h"
#include "model/loaded_model.h"
#include "model/media/media_inputs.h"
#include "model/tensor_file.h"

void cambium_forward(const cambium::model::ForwardOptions& options) {
  using namespace cambium::model;
  const at::NoGradGuard no_gradients;
  const c10::Device device = open_device(options.device);
  const LoadedModel model = load_model(open_model(options.model), dtype_option(options.dtype));
  const Decoder decoder(model.config, on_device(model.weights, device));
  TensorMap tensors = read_tensor_file(options.inputs);
  std::optional<MediaTowers> towers;
  const MediaInputs media = take_media(tensors, [&]() -> const MediaTowers& {
    if (!towers) towers = load_media(model);
    return *towers;
  });
  const ForwardInputs inputs = forward_inputs(tensors, model.config, options.inputs);
  const at::Tensor embeddings = place_media(decoder.embed(inputs.ids.to(device)).cpu(), media).to(device);
  const at::Tensor hidden = decoder.forward_embeddings(embeddings, AttentionLayout::from_mask(inputs.mask.to(device)));
  write_tensor_file(options.output, {{"logits", decoder.logits(hidden).to(at::kFloat).cpu()}});
}
