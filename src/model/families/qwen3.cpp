#include "model/decoder_family.h"

namespace cambium::model {

void configure_qwen2(const ConfigReader& reader, DecoderConfig& config);

/// Qwen2 with RMS norms on query and key heads and, as a rule, without biases.
void configure_qwen3(const ConfigReader& reader, DecoderConfig& config) {
  configure_qwen2(reader, config);
  config.query_key_norm = true;
}

}  // namespace cambium::model
