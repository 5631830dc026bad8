#include "model/decoder_family.h"
#include "model/rope_config.h"

namespace cambium::model {

/// Layer norms with biases, q/k/v fused head by head, a rotated quarter of each head, attention and feed-forward side
/// by side.
void configure_gpt_neox(const ConfigReader& reader, DecoderConfig& config) {
  config.norm = NormKind::kLayer;
  config.norm_epsilon = reader.number("layer_norm_eps").value_or(1e-5);
  config.activation = activation_from_name(reader.text("hidden_act").value_or("gelu"), reader.where());
  config.gated = false;
  config.parallel_residual = reader.boolean("use_parallel_residual").value_or(true);
  config.qkv = QkvStorage::kFusedByHead;
  config.ropes = {read_rope(reader, config,
                            {.partial_factor = 0.25, .theta_field = "rotary_emb_base", .partial_field = "rotary_pct"})};
}

}  // namespace cambium::model
