#include <array>

#include "model/decoder_family.h"

namespace cambium::model {

void configure_gemma2(const ConfigReader& reader, DecoderConfig& config);
void configure_gemma3(const ConfigReader& reader, DecoderConfig& config);
void configure_gpt2(const ConfigReader& reader, DecoderConfig& config);
void configure_gpt_neox(const ConfigReader& reader, DecoderConfig& config);
void configure_llama(const ConfigReader& reader, DecoderConfig& config);
void configure_mistral(const ConfigReader& reader, DecoderConfig& config);
void configure_phi3(const ConfigReader& reader, DecoderConfig& config);
void configure_qwen2(const ConfigReader& reader, DecoderConfig& config);
void configure_qwen3(const ConfigReader& reader, DecoderConfig& config);

std::span<const DecoderFamily> decoder_families() {
  static constexpr std::array kFamilies{
      DecoderFamily{"gemma2", configure_gemma2}, DecoderFamily{"gemma3_text", configure_gemma3},
      DecoderFamily{"gpt2", configure_gpt2},     DecoderFamily{"gpt_neox", configure_gpt_neox},
      DecoderFamily{"llama", configure_llama},   DecoderFamily{"mistral", configure_mistral},
      DecoderFamily{"phi3", configure_phi3},     DecoderFamily{"qwen2", configure_qwen2},
      DecoderFamily{"qwen3", configure_qwen3},
  };
  return kFamilies;
}

}  // namespace cambium::model
