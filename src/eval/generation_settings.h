#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "model/engine/sampling.h"
#include "text/jinja_value.h"

namespace cambium::eval {

/// How a request wants its text generated.
struct GenerationSettings {
  std::size_t max_new_tokens = 256;
  std::vector<std::string> stops;  ///< texts that end it, in the order they are cut at
  model::SamplingOptions sampling;
  [[nodiscard]] bool is_sampled() const { return sampling.temperature > 0; }
};

/// What a model's generation_config.json says about sampling; it counts where a request says nothing.
struct GenerationDefaults {
  double repetition_penalty = 1;
  double temperature = 1;
  double top_p = 1;
  double min_p = 0;
  std::int64_t top_k = 50;
  /// @throws CheckpointError  the file is malformed. Without the file: Hugging Face's defaults.
  [[nodiscard]] static GenerationDefaults from_folder(const std::filesystem::path& folder);
};

/// Reads generation_kwargs as lm-evaluation-harness and Hugging Face's generate() do: `until`, `max_gen_toks` (also
/// max_new_tokens, max_tokens, max_completion_tokens), `do_sample`, `temperature`, `top_p`, `top_k`, `min_p`,
/// `repetition_penalty`; temperature 0 or no do_sample and no temperature: greedy.
/// @param arguments  a dict, or None
/// @throws UsageError  an argument that is not known (with the nearest) or not supported, or a value of the wrong type
[[nodiscard]] GenerationSettings generation_settings(const text::jinja::Value& arguments,
                                                     const GenerationDefaults& defaults);

}  // namespace cambium::eval
