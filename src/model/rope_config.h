#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "model/config_reader.h"
#include "model/decoder_config.h"

namespace cambium::model {

/// What a family assumes where a config is silent.
struct RopeDefaults {
  double theta = 10000.0;
  double partial_factor = 1.0;                  ///< rotated share of a head
  std::string_view theta_field = "rope_theta";  ///< the 4.x spelling's name
  std::string_view partial_field = "partial_rotary_factor";
  std::optional<std::int64_t> original_max_positions = std::nullopt;  ///< where neither spelling gives it
  bool yarn_means_longrope = false;                                   ///< Phi-3's first configs said "yarn" and "su"
};

/// Reads the rotary embedding from either spelling: `rope_parameters` (5.x; flat, or one object for each layer type) or
/// `rope_theta` and `rope_scaling` (4.x).
/// @param config      head_dim and max_positions are read
/// @param layer_type  "full_attention" or "sliding_attention": which object of a nested `rope_parameters`
/// @throws CheckpointError  unknown type (lists the known ones), a number that the type needs is missing or absurd
[[nodiscard]] RopeConfig read_rope(const ConfigReader& reader, const DecoderConfig& config,
                                   const RopeDefaults& defaults, std::string_view layer_type = "full_attention");

/// The same from one object of parameters (`rope_type`, `rope_theta`, `factor`, ...), for families that build it
/// themselves.
[[nodiscard]] RopeConfig read_rope_object(const ConfigReader& parameters, const DecoderConfig& config,
                                          const RopeDefaults& defaults);

}  // namespace cambium::model
