#include "model/rope_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "checkpoint/json.h"
#include "tensor/error.h"

namespace cambium::model {

namespace {

using Type = RopeConfig::Type;

struct TypeName {
  std::string_view name;
  Type type;
};
constexpr std::array kTypes{TypeName{"default", Type::kDefault},   TypeName{"linear", Type::kLinear},
                            TypeName{"dynamic", Type::kDynamic},   TypeName{"yarn", Type::kYarn},
                            TypeName{"longrope", Type::kLongRope}, TypeName{"llama3", Type::kLlama3}};

Type type_from_name(const ConfigReader& parameters, bool yarn_means_longrope) {
  const std::string name = parameters.text("rope_type").value_or(parameters.text("type").value_or("default"));
  if (name == "su" || (yarn_means_longrope && name == "yarn")) return Type::kLongRope;
  for (const TypeName& known : kTypes) {
    if (known.name == name) return known.type;
  }
  std::string list;
  for (const TypeName& known : kTypes) list += fmt::format("{}{}", list.empty() ? "" : ", ", known.name);
  throw CheckpointError(fmt::format("{}: unknown rope type '{}'; known are {}", parameters.where(), name, list));
}

double positive(const ConfigReader& reader, std::string_view field, double fallback) {
  const double value = reader.number(field).value_or(fallback);
  if (!(value > 0)) reader.fail(field, "a number greater than 0");
  return value;
}

// Growth of the attention's temperature with the context: 0.1 m ln(s) + 1 (arXiv:2309.00071, equation 22).
double magnitude(double scale, double multiplier) {
  return scale <= 1 ? 1.0 : 0.1 * multiplier * std::log(scale) + 1.0;
}

void read_yarn(const ConfigReader& parameters, RopeConfig& rope) {
  rope.factor = positive(parameters, "factor",
                         static_cast<double>(rope.max_positions) / static_cast<double>(rope.original_max_positions));
  const double mscale = parameters.number("mscale").value_or(0);
  const double mscale_all_dim = parameters.number("mscale_all_dim").value_or(0);
  const double inferred = mscale != 0 && mscale_all_dim != 0
                              ? magnitude(rope.factor, mscale) / magnitude(rope.factor, mscale_all_dim)
                              : magnitude(rope.factor, 1);
  rope.attention_factor = parameters.number("attention_factor").value_or(inferred);
  rope.beta_fast = positive(parameters, "beta_fast", 32);
  rope.beta_slow = positive(parameters, "beta_slow", 1);
  rope.truncate = parameters.boolean("truncate").value_or(true);
}

void read_longrope(const ConfigReader& parameters, RopeConfig& rope) {
  rope.short_factor = parameters.numbers("short_factor");
  rope.long_factor = parameters.numbers("long_factor");
  const auto expected = static_cast<std::size_t>(rope.rotary_dim / 2);
  if (rope.short_factor.size() != expected) parameters.fail("short_factor", fmt::format("{} numbers", expected));
  if (rope.long_factor.size() != expected) parameters.fail("long_factor", fmt::format("{} numbers", expected));
  rope.factor = positive(parameters, "factor",
                         static_cast<double>(rope.max_positions) / static_cast<double>(rope.original_max_positions));
  const double inferred =
      rope.factor <= 1
          ? 1.0
          : std::sqrt(1 + std::log(rope.factor) / std::log(static_cast<double>(rope.original_max_positions)));
  rope.attention_factor = parameters.number("attention_factor").value_or(inferred);
}

void read_llama3(const ConfigReader& parameters, RopeConfig& rope) {
  for (const char* field : {"factor", "low_freq_factor", "high_freq_factor"}) {
    if (!parameters.has(field)) parameters.fail(field, "a number, as rope type llama3 needs it");
  }
  rope.factor = positive(parameters, "factor", 1);
  rope.low_freq_factor = positive(parameters, "low_freq_factor", 1);
  rope.high_freq_factor = positive(parameters, "high_freq_factor", 1);
}

std::vector<float> yarn_frequencies(const RopeConfig& rope) {
  const auto dim = static_cast<double>(rope.rotary_dim);
  const auto dimension_of = [&](double rotations) {
    return dim * std::log(static_cast<double>(rope.original_max_positions) / (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(rope.theta));
  };
  double low = dimension_of(rope.beta_fast), high = dimension_of(rope.beta_slow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;
  std::vector<float> result;
  for (std::int64_t i = 0; i < rope.rotary_dim / 2; ++i) {
    const float period = std::pow(static_cast<float>(rope.theta), static_cast<float>(2 * i) / static_cast<float>(dim));
    const auto ramp = static_cast<float>(std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0));
    const float interpolated = 1.0F / (static_cast<float>(rope.factor) * period);
    result.push_back(interpolated * ramp + (1.0F / period) * (1.0F - ramp));
  }
  return result;
}

float llama3_frequency(const RopeConfig& rope, float frequency) {
  const auto context = static_cast<float>(rope.original_max_positions);
  const auto factor = static_cast<float>(rope.factor);
  const auto low = static_cast<float>(rope.low_freq_factor), high = static_cast<float>(rope.high_freq_factor);
  const float wavelength = 2 * std::numbers::pi_v<float> / frequency;
  if (wavelength < context / high) return frequency;
  if (wavelength > context / low) return frequency / factor;
  const float smooth = (context / wavelength - low) / (high - low);
  return (1 - smooth) * frequency / factor + smooth * frequency;
}

}  // namespace

RopeConfig read_rope_object(const ConfigReader& parameters, const DecoderConfig& config, const RopeDefaults& defaults) {
  RopeConfig rope;
  rope.type = type_from_name(parameters, defaults.yarn_means_longrope);
  rope.theta = positive(parameters, "rope_theta", defaults.theta);
  const double share = positive(parameters, "partial_rotary_factor", defaults.partial_factor);
  rope.rotary_dim = static_cast<std::int64_t>(static_cast<double>(config.head_dim) * share);
  if (share > 1 || rope.rotary_dim < 2 || rope.rotary_dim % 2 != 0) {
    throw CheckpointError(
        fmt::format("{}: the rotary embedding covers {} of {} values of a head, expected an even number of them",
                    parameters.where(), rope.rotary_dim, config.head_dim));
  }
  rope.max_positions = config.max_positions;
  rope.original_max_positions = defaults.original_max_positions.value_or(
      parameters.integer("original_max_position_embeddings").value_or(config.max_positions));
  if (rope.original_max_positions < 1) parameters.fail("original_max_position_embeddings", "a number greater than 0");
  switch (rope.type) {
    case Type::kDefault:
      break;
    case Type::kLinear:
    case Type::kDynamic:
      if (!parameters.has("factor")) parameters.fail("factor", "a number, as the rope type needs it");
      rope.factor = positive(parameters, "factor", 1);
      break;
    case Type::kYarn:
      read_yarn(parameters, rope);
      break;
    case Type::kLongRope:
      read_longrope(parameters, rope);
      break;
    case Type::kLlama3:
      read_llama3(parameters, rope);
      break;
  }
  return rope;
}

RopeConfig read_rope(const ConfigReader& reader, const DecoderConfig& config, const RopeDefaults& defaults,
                     std::string_view layer_type) {
  RopeDefaults known = defaults;
  known.theta = reader.number(defaults.theta_field).value_or(defaults.theta);
  known.partial_factor = reader.number(defaults.partial_field).value_or(defaults.partial_factor);
  if (const auto original = reader.integer("original_max_position_embeddings")) known.original_max_positions = original;
  const Json& scaling = reader.object("rope_scaling");
  const Json& object = scaling.empty() ? reader.object("rope_parameters") : scaling;
  const auto nested = object.find(std::string(layer_type));
  const Json& chosen = nested != object.end() && nested->is_object() ? *nested : object;
  return read_rope_object(ConfigReader(chosen, reader.where()), config, known);
}

std::vector<float> RopeConfig::inverse_frequencies(std::int64_t length) const {
  if (type == Type::kYarn) return yarn_frequencies(*this);
  const auto dim = static_cast<float>(rotary_dim);
  double base = theta;
  if (type == Type::kDynamic && length > max_positions) {
    const double stretch = factor * static_cast<double>(length) / static_cast<double>(max_positions) - (factor - 1);
    base *= std::pow(stretch, static_cast<double>(dim) / (static_cast<double>(dim) - 2));
  }
  const std::vector<double>& stretch = length > original_max_positions ? long_factor : short_factor;
  std::vector<float> result;
  for (std::int64_t i = 0; i < rotary_dim / 2; ++i) {
    const float period = std::pow(static_cast<float>(base), static_cast<float>(2 * i) / dim);
    float frequency = 1.0F / period;
    if (type == Type::kLinear) frequency /= static_cast<float>(factor);
    if (type == Type::kLongRope) frequency = 1.0F / (static_cast<float>(stretch[static_cast<std::size_t>(i)]) * period);
    if (type == Type::kLlama3) frequency = llama3_frequency(*this, frequency);
    result.push_back(frequency);
  }
  return result;
}

std::int64_t RopeConfig::fixed_up_to() const {
  if (type == Type::kDynamic) return max_positions;
  if (type == Type::kLongRope) return original_max_positions;
  return std::numeric_limits<std::int64_t>::max();
}

}  // namespace cambium::model
