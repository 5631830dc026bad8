#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint/json.h"
#include "checkpoint/weight_source.h"
#include "family/model_description.h"
#include "model/decoder_config.h"
#include "model/decoder_weights.h"

namespace cambium::model {

/// Type in which a model computes: "auto" (as stored), "float32", "bfloat16", "float16" (short forms "f32", "bf16",
/// "f16" too).
/// @throws UsageError  another word
[[nodiscard]] std::optional<at::ScalarType> dtype_option(std::string_view word);

/// What MODEL names, opened but not yet loaded: weights, config, and the folder that holds tokenizer and processor
/// files.
struct ModelSource {
  std::unique_ptr<checkpoint::WeightSource> weights;
  checkpoint::Json config;
  std::filesystem::path folder;
  std::shared_ptr<const void> keeper;  ///< of the folder, where it was made for a recipe
};
/// @param model  a folder, org/name in the Hugging Face cache, or a recipe, whose tensors are merged when they are
/// loaded
[[nodiscard]] ModelSource open_model(std::string_view model);

/// A language model ready to compute on the CPU. The tensors may point into `source`.
struct LoadedModel {
  ModelSource source;
  family::ModelDescription description;
  DecoderConfig config;
  DecoderWeights weights;
  at::ScalarType dtype = at::kFloat;
};
/// @param dtype  nothing: the type that most of the language weights are stored in (float64 becomes float32)
[[nodiscard]] LoadedModel load_model(ModelSource source, std::optional<at::ScalarType> dtype);

}  // namespace cambium::model
