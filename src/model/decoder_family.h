#pragma once

#include <span>
#include <string_view>

#include "model/config_reader.h"
#include "model/decoder_config.h"

namespace cambium::model {

/// One decoder family: the name in `model_type`, and the function that sets what is peculiar to it. The sizes,
/// max_positions, the tied head and `layers` (num_layers of them, no window, scale 1/sqrt(head_dim)) are set already.
struct DecoderFamily {
  std::string_view name;
  void (*configure)(const ConfigReader& reader, DecoderConfig& config);
};

/// Every family. A new one: its file in families/, its declaration and its row in decoder_family_table.cpp.
[[nodiscard]] std::span<const DecoderFamily> decoder_families();

/// Gives a sliding window to the layers that the config's `layer_types` names "sliding_attention"; where the config has
/// no such list, to those for which `by_default(layer)` holds.
void set_windows(const ConfigReader& reader, DecoderConfig& config, std::int64_t window,
                 bool (*by_default)(std::int64_t layer));

}  // namespace cambium::model
