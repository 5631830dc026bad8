#include "model/decoder_family.h"
#include "model/rope_config.h"

namespace cambium::model {

void configure_llama(const ConfigReader& reader, DecoderConfig& config) {
  config.norm_epsilon = reader.number("rms_norm_eps").value_or(1e-6);
  config.activation = activation_from_name(reader.text("hidden_act").value_or("silu"), reader.where());
  config.ropes = {read_rope(reader, config, {})};
}

}  // namespace cambium::model
