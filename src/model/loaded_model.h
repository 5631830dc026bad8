#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/json.h"
#include "checkpoint/weight_source.h"
#include "family/model_description.h"
#include "model/decoder_config.h"
#include "model/decoder_weights.h"
#include "model/recipe_settings.h"

namespace cambium::merge {
class VirtualMerge;
}

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
  std::shared_ptr<const void> keeper;     ///< of the folder, where it was made for a recipe
  merge::VirtualMerge* recipe = nullptr;  ///< the weights, where they are a recipe's
};
/// @param model  a folder, org/name in the Hugging Face cache, or a recipe, whose tensors are merged when they are
/// loaded
[[nodiscard]] ModelSource open_model(std::string_view model);

/// Changes settings of the recipe that a model is, whose inputs stay open.
/// @return  the tensors whose values may be others now, sorted by name
/// @throws UsageError   the model is no recipe
/// @throws RecipeError  as VirtualMerge::set; nothing is changed then
[[nodiscard]] std::vector<std::string> set_recipe(ModelSource& source, const RecipeSettings& settings);

/// A language model ready to compute on the CPU. The tensors may point into `source`.
struct LoadedModel {
  ModelSource source;
  family::ModelDescription description;
  DecoderConfig config;
  DecoderWeights weights;
  at::ScalarType dtype = at::kFloat;
  /// Of a recipe: its tensors of the decoder by their names, whose memory `weights` shares.
  std::map<std::string, at::Tensor, std::less<>> merged = {};

  /// Gives a recipe's settings new values and merges what they change anew, into the memory where it is: inputs are
  /// neither opened nor loaded again. Decoders made from `weights` compute with the new values; where a family stores
  /// q, k, v head by head (gpt_neox) or tensors were the inputs' own bytes before, `weights` holds new tensors and a
  /// decoder must be made anew. Towers are not part of it: load_media again if one of their tensors is named.
  /// @return  the tensors merged anew
  /// @throws  as set_recipe
  std::vector<std::string> remerge(const RecipeSettings& settings);
};
/// Opens and checks everything but loads no weights.
/// @param dtype  nothing: the type that most of the language weights are stored in (float64 becomes float32)
[[nodiscard]] LoadedModel prepare_model(ModelSource source, std::optional<at::ScalarType> dtype);
/// The same with its weights.
[[nodiscard]] LoadedModel load_model(ModelSource source, std::optional<at::ScalarType> dtype);

}  // namespace cambium::model
