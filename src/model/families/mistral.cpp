#include "model/decoder_family.h"
#include "model/rope_config.h"

namespace cambium::model {

/// Llama with one sliding window for all layers; a config without the field means 4096, null means none.
void configure_mistral(const ConfigReader& reader, DecoderConfig& config) {
  config.max_positions = reader.integer("max_position_embeddings").value_or(4096 * 32);
  config.norm_epsilon = reader.number("rms_norm_eps").value_or(1e-6);
  config.activation = activation_from_name(reader.text("hidden_act").value_or("silu"), reader.where());
  config.ropes = {read_rope(reader, config, {})};
  if (reader.is_null("sliding_window")) return;
  const std::int64_t window = reader.integer("sliding_window").value_or(4096);
  if (window < 1) reader.fail("sliding_window", "a window of at least one token, or null");
  for (LayerConfig& layer : config.layers) layer.window = window;
}

}  // namespace cambium::model
