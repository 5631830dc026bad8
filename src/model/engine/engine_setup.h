#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/engine/engine.h"
#include "model/recipe_settings.h"

namespace cambium::checkpoint {
class WeightSource;
}

namespace cambium::model {

class MediaTowers;

/// What to run, and how.
struct EngineSetup {
  std::string model;           ///< folder, org/name in the Hugging Face cache, or recipe
  std::string dtype = "auto";  ///< as dtype_option
  std::string device = "cpu";
  unsigned threads = 0;  ///< 0: all CPUs that the process may use
  double cache_gib = 0;  ///< memory for keys and values; 0: a quarter of the machine's
  EngineOptions options;
};

/// A model with its engine.
class RunningModel {
 public:
  /// @throws what opening and loading the model throws; SystemError for a device that is not there
  explicit RunningModel(const EngineSetup& setup);
  ~RunningModel();

  [[nodiscard]] Engine& engine();
  /// Where tokenizer, chat template and processor files lie.
  [[nodiscard]] const std::filesystem::path& folder() const;
  /// Tokens that end a generation: generation_config.json's eos_token_id (one or several), else config.json's.
  [[nodiscard]] const std::vector<std::int32_t>& stop_ids() const;
  /// Towers and projectors, loaded at the first call; none for a language model. @throws  as load_media
  [[nodiscard]] const MediaTowers& media();
  /// The tensors as stored (or merged).
  [[nodiscard]] const checkpoint::WeightSource& weights() const;
  /// That the model computes in: "float32", "bfloat16" or "float16".
  [[nodiscard]] std::string dtype() const;
  [[nodiscard]] double load_seconds() const;

  /// A recipe as MODEL: gives its settings new values and merges anew, layer by layer into the memory where the weights
  /// are, what they change; inputs are neither opened nor loaded again, and no second copy of the model is made.
  /// Prefixes are forgotten; media() takes the new values where it is, but a MediaEncoder must forget too.
  /// @return  how many tensors were merged anew
  /// @throws  as set_recipe; the model is then as it was
  std::size_t remerge(const RecipeSettings& settings);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::model
