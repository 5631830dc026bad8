#include <cmath>

#include "checkpoint/json.h"
#include "model/decoder_family.h"
#include "model/rope_config.h"

namespace cambium::model {

/// Gemma 2's blocks with query and key norms instead of soft caps; sliding layers have a rope of their own.
void configure_gemma3(const ConfigReader& reader, DecoderConfig& config) {
  config.max_positions = reader.integer("max_position_embeddings").value_or(131072);
  config.norm = NormKind::kRmsPlusOne;
  config.norm_epsilon = reader.number("rms_norm_eps").value_or(1e-6);
  config.sandwich_norms = true;
  config.query_key_norm = true;
  config.activation =
      activation_from_name(reader.text("hidden_activation").value_or("gelu_pytorch_tanh"), reader.where());
  config.embedding_scale = std::sqrt(static_cast<double>(config.hidden_size));
  config.attention_softcap = reader.number("attn_logit_softcapping").value_or(0);
  config.logit_softcap = reader.number("final_logit_softcapping").value_or(0);
  const double scalar = reader.number("query_pre_attn_scalar").value_or(256);
  if (!(scalar > 0)) reader.fail("query_pre_attn_scalar", "a number greater than 0");

  // The 4.x spelling scales the full layers only (rope_theta, rope_scaling); the sliding ones have
  // rope_local_base_freq.
  const RopeConfig full = read_rope(reader, config, {.theta = 1'000'000.0}, "full_attention");
  RopeConfig sliding;
  if (reader.object("rope_parameters").contains("sliding_attention")) {
    sliding = read_rope(reader, config, {.theta = 10'000.0}, "sliding_attention");
  } else {
    const Json none = Json::object();
    sliding = read_rope_object(ConfigReader(none, reader.where()), config,
                               {.theta = reader.number("rope_local_base_freq").value_or(10'000.0)});
  }
  config.ropes = {full, sliding};

  const std::int64_t window = reader.integer("sliding_window").value_or(4096);
  set_windows(reader, config, window, [](std::int64_t) { return false; });
  const std::int64_t period = reader.integer("sliding_window_pattern").value_or(6);
  if (period < 1) reader.fail("sliding_window_pattern", "a number greater than 0");
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    LayerConfig& layer = config.layers[static_cast<std::size_t>(i)];
    if (!reader.has("layer_types")) layer.window = (i + 1) % period != 0 ? window : 0;
    layer.rope = layer.window > 0 ? 1 : 0;
    layer.attention_scale = 1.0 / std::sqrt(scalar);
  }
}

}  // namespace cambium::model
