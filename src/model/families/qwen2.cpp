#include "model/decoder_family.h"
#include "model/rope_config.h"

namespace cambium::model {

/// Llama with biases on queries, keys and values; layers from max_window_layers on slide if use_sliding_window says so.
void configure_qwen2(const ConfigReader& reader, DecoderConfig& config) {
  config.max_positions = reader.integer("max_position_embeddings").value_or(32768);
  config.norm_epsilon = reader.number("rms_norm_eps").value_or(1e-6);
  config.activation = activation_from_name(reader.text("hidden_act").value_or("silu"), reader.where());
  config.ropes = {read_rope(reader, config, {})};
  if (!reader.boolean("use_sliding_window").value_or(false) || reader.is_null("sliding_window")) return;
  const std::int64_t window = reader.integer("sliding_window").value_or(4096);
  set_windows(reader, config, window, [](std::int64_t) { return false; });
  if (!reader.has("layer_types")) {
    const std::int64_t first = reader.integer("max_window_layers").value_or(28);
    for (std::int64_t i = first; i < config.num_layers; ++i) config.layers[static_cast<std::size_t>(i)].window = window;
  }
}

}  // namespace cambium::model
