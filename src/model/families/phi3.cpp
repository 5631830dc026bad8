#include "model/decoder_family.h"
#include "model/rope_config.h"

namespace cambium::model {

/// Llama with fused q/k/v and gate/up, one optional sliding window, and longrope for long contexts.
void configure_phi3(const ConfigReader& reader, DecoderConfig& config) {
  config.max_positions = reader.integer("max_position_embeddings").value_or(4096);
  config.norm_epsilon = reader.number("rms_norm_eps").value_or(1e-5);
  config.activation = activation_from_name(reader.text("hidden_act").value_or("silu"), reader.where());
  config.qkv = QkvStorage::kFused;
  config.ropes = {read_rope(reader, config, {.original_max_positions = 4096, .yarn_means_longrope = true})};
  if (const auto window = reader.integer("sliding_window")) {
    if (*window < 1) reader.fail("sliding_window", "a window of at least one token, or null");
    for (LayerConfig& layer : config.layers) layer.window = *window;
  }
}

}  // namespace cambium::model
