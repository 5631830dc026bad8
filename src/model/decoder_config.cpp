#include "model/decoder_config.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "family/model_description.h"
#include "model/decoder_family.h"
#include "tensor/error.h"

namespace cambium::model {

namespace {

struct ActivationName {
  std::string_view name;
  Activation activation;
};
constexpr std::array kActivations{
    ActivationName{"silu", Activation::kSilu},
    ActivationName{"swish", Activation::kSilu},
    ActivationName{"gelu", Activation::kGelu},
    ActivationName{"gelu_new", Activation::kGeluTanh},
    ActivationName{"gelu_fast", Activation::kGeluTanh},
    ActivationName{"gelu_pytorch_tanh", Activation::kGeluTanh},
    ActivationName{"quick_gelu", Activation::kQuickGelu},
    ActivationName{"relu", Activation::kRelu},
};

std::string known_families() {
  std::string list;
  for (const DecoderFamily& family : decoder_families())
    list += fmt::format("{}{}", list.empty() ? "" : ", ", family.name);
  return list;
}

const DecoderFamily& family_of(const std::string& name, std::string_view where) {
  for (const DecoderFamily& family : decoder_families()) {
    if (family.name == name) return family;
  }
  throw CheckpointError(fmt::format("{}: no decoder for model type '{}'; known are {}", where, name, known_families()));
}

}  // namespace

Activation activation_from_name(std::string_view name, std::string_view where) {
  std::string list;
  for (const ActivationName& known : kActivations) {
    if (known.name == name) return known.activation;
    list += fmt::format("{}{}", list.empty() ? "" : ", ", known.name);
  }
  throw CheckpointError(fmt::format("{}: unknown activation '{}'; known are {}", where, name, list));
}

void set_windows(const ConfigReader& reader, DecoderConfig& config, std::int64_t window,
                 bool (*by_default)(std::int64_t layer)) {
  const std::vector<std::string> types = reader.texts("layer_types");
  if (!types.empty() && types.size() != config.layers.size()) {
    reader.fail("layer_types", fmt::format("{} entries, one a layer", config.layers.size()));
  }
  for (std::size_t i = 0; i < config.layers.size(); ++i) {
    if (!types.empty() && types[i] != "sliding_attention" && types[i] != "full_attention") {
      reader.fail("layer_types", "only \"full_attention\" and \"sliding_attention\"");
    }
    const bool slides = types.empty() ? by_default(static_cast<std::int64_t>(i)) : types[i] == "sliding_attention";
    if (slides && window < 1) reader.fail("sliding_window", "a window of at least one token");
    config.layers[i].window = slides ? window : 0;
  }
}

DecoderConfig decoder_config(const family::LanguageConfig& language, std::string_view where) {
  const DecoderFamily& family = family_of(language.family, where);
  const ConfigReader reader(language.raw, where);
  DecoderConfig config;
  config.family = language.family;
  config.hidden_size = language.hidden_size;
  config.intermediate_size = language.intermediate_size;
  config.num_layers = language.num_layers;
  config.num_heads = language.num_heads;
  config.num_kv_heads = language.num_kv_heads;
  config.head_dim = language.head_dim;
  config.vocab_size = language.vocab_size;
  config.tied_head = language.tie_word_embeddings;
  config.max_positions = reader.integer("max_position_embeddings").value_or(2048);
  if (config.max_positions < 1) reader.fail("max_position_embeddings", "a number greater than 0");
  if (config.num_kv_heads < 1 || config.num_heads % config.num_kv_heads != 0) {
    throw CheckpointError(fmt::format("{}: {} query heads cannot share {} key-value heads", where, config.num_heads,
                                      config.num_kv_heads));
  }
  const double scale = 1.0 / std::sqrt(static_cast<double>(config.head_dim));
  config.layers.assign(static_cast<std::size_t>(config.num_layers),
                       LayerConfig{.window = 0, .rope = 0, .attention_scale = scale});
  family.configure(reader, config);
  return config;
}

}  // namespace cambium::model
