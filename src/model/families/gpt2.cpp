#include "model/decoder_family.h"

namespace cambium::model {

/// Learned positions, layer norms with biases, fused q/k/v, no gate.
void configure_gpt2(const ConfigReader& reader, DecoderConfig& config) {
  config.max_positions = reader.integer("n_positions").value_or(1024);
  if (config.max_positions < 1) reader.fail("n_positions", "a number greater than 0");
  config.norm = NormKind::kLayer;
  config.norm_epsilon = reader.number("layer_norm_epsilon").value_or(1e-5);
  config.activation = activation_from_name(reader.text("activation_function").value_or("gelu_new"), reader.where());
  config.gated = false;
  config.learned_positions = true;
  config.hard_context_limit = true;
  config.qkv = QkvStorage::kFused;
  const bool scaled = reader.boolean("scale_attn_weights").value_or(true);
  const bool by_layer = reader.boolean("scale_attn_by_inverse_layer_idx").value_or(false);
  for (std::size_t i = 0; i < config.layers.size(); ++i) {
    if (!scaled) config.layers[i].attention_scale = 1.0;
    if (by_layer) config.layers[i].attention_scale /= static_cast<double>(i + 1);
  }
}

}  // namespace cambium::model
