#include <cmath>

#include "model/decoder_family.h"
#include "model/rope_config.h"

namespace cambium::model {

/// Embeddings scaled by sqrt(hidden_size), (1 + w) norms before and behind each part, soft caps, every other layer
/// slides.
void configure_gemma2(const ConfigReader& reader, DecoderConfig& config) {
  config.max_positions = reader.integer("max_position_embeddings").value_or(8192);
  config.norm = NormKind::kRmsPlusOne;
  config.norm_epsilon = reader.number("rms_norm_eps").value_or(1e-6);
  config.sandwich_norms = true;
  config.activation =
      activation_from_name(reader.text("hidden_activation").value_or("gelu_pytorch_tanh"), reader.where());
  config.embedding_scale = std::sqrt(static_cast<double>(config.hidden_size));
  // null switches a cap off; a field left out means the default.
  if (!reader.is_null("attn_logit_softcapping")) {
    config.attention_softcap = reader.number("attn_logit_softcapping").value_or(50.0);
  }
  if (!reader.is_null("final_logit_softcapping")) {
    config.logit_softcap = reader.number("final_logit_softcapping").value_or(30.0);
  }
  const double scalar = reader.number("query_pre_attn_scalar").value_or(256);
  if (!(scalar > 0)) reader.fail("query_pre_attn_scalar", "a number greater than 0");
  for (LayerConfig& layer : config.layers) layer.attention_scale = 1.0 / std::sqrt(scalar);
  config.ropes = {read_rope(reader, config, {})};
  const std::int64_t window = reader.integer("sliding_window").value_or(4096);
  set_windows(reader, config, window, [](std::int64_t layer) { return layer % 2 == 0; });
}

}  // namespace cambium::model
