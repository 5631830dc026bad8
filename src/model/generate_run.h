#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::model {

/// `cambium generate`.
struct GenerateOptions {
  std::string model;
  std::optional<std::string> prompt;  ///< one of prompt and inputs
  std::string inputs;                 ///< safetensors: input_ids [batch, seq], optionally attention_mask
  /// Files of the prompt's pictures, clips and sounds, in the order of its placeholders (<image>, <video>, <audio>); of
  /// a modality that the prompt has no placeholder of, they stand in front.
  std::vector<std::string> images, videos, sounds;
  std::string resizer = "torchvision";  ///< or "pillow"
  std::size_t max_new_tokens = 256;
  double temperature = 0, top_p = 1, min_p = 0, repetition_penalty = 1;  ///< as SamplingOptions
  std::int64_t top_k = 0;
  std::uint64_t seed = 0;
  std::vector<std::string> stop;  ///< texts that end a generation; cut off
  bool ignore_stop_tokens = false;
  bool chat = false;   ///< the prompt is a user's message: put into the model's chat template
  std::string system;  ///< system message, with chat
  std::string dtype = "auto";
  std::string device = "cpu";
  unsigned threads = 0;
  double cache_gib = 0;
  /// Receives text as it is certain (one prompt only); may be empty.
  std::function<void(std::string_view text)> show;
  /// Next message of the user in a conversation; nothing ends it. With chat and without prompt.
  std::function<std::optional<std::string>()> next_message;
};

struct GeneratedText {
  std::string text;  ///< without special tokens, cut before a stop text; empty for a model without tokenizer
  std::vector<std::int32_t> ids;
  std::vector<double> log_probabilities;
  std::string stop;  ///< "stop_token", "stop_text", "length", "context"
};

struct GenerateReport {
  std::vector<GeneratedText> rows;
  std::size_t prompt_tokens = 0, computed_tokens = 0, generated_tokens = 0;
  double load_seconds = 0, prompt_seconds = 0, seconds = 0;
};

}  // namespace cambium::model

extern "C" void cambium_generate(const cambium::model::GenerateOptions& options,
                                 cambium::model::GenerateReport& report);
