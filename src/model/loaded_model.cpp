#include "model/loaded_model.h"

#include <fmt/format.h>

#include <map>

#include "checkpoint/model_folder.h"
#include "tensor/error.h"
#include "tensor/shape.h"

namespace cambium::model {

std::optional<at::ScalarType> dtype_option(std::string_view word) {
  if (word == "auto") return std::nullopt;
  if (word == "float32" || word == "f32" || word == "fp32") return at::kFloat;
  if (word == "bfloat16" || word == "bf16") return at::kBFloat16;
  if (word == "float16" || word == "f16" || word == "fp16" || word == "half") return at::kHalf;
  throw UsageError(fmt::format("unknown dtype '{}'; known are auto, float32, bfloat16, float16", word));
}

ModelSource open_model(std::string_view model) {
  auto folder = std::make_unique<checkpoint::ModelFolder>(checkpoint::ModelFolder::open(model));
  ModelSource source;
  source.config = folder->config();
  source.folder = folder->path();
  source.weights = std::move(folder);
  return source;
}

namespace {

at::ScalarType prevailing_dtype(const checkpoint::WeightSource& weights, const family::ModelDescription& description) {
  std::map<at::ScalarType, std::size_t> elements;
  for (const family::TensorRole& role : description.tensors) {
    const checkpoint::TensorInfo* info = weights.find(role.name);
    if (role.part != family::Part::kLanguage || info == nullptr || !is_mergeable(info->dtype)) continue;
    elements[scalar_type_of(info->dtype, role.name)] += numel(info->shape);
  }
  at::ScalarType best = at::kFloat;
  std::size_t most = 0;
  for (const auto& [dtype, count] : elements) {
    if (count > most) {
      best = dtype;
      most = count;
    }
  }
  return best == at::kDouble ? at::kFloat : best;
}

}  // namespace

LoadedModel load_model(ModelSource source, std::optional<at::ScalarType> dtype) {
  LoadedModel model;
  model.source = std::move(source);
  const checkpoint::WeightSource& weights = *model.source.weights;
  model.description = family::describe(model.source.config, weights.tensors(), weights.label());
  model.config = decoder_config(model.description.language, weights.label());
  model.dtype = dtype.value_or(prevailing_dtype(weights, model.description));
  model.weights =
      assemble_decoder(model.description, model.config, weights.label(),
                       [&](const family::TensorRole& role) { return load_tensor(weights, role.name, model.dtype); });
  return model;
}

}  // namespace cambium::model
