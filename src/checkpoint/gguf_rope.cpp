#include "checkpoint/gguf_rope.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

double wavelength(double theta, std::size_t pair, std::size_t pairs) {
  return 2 * std::numbers::pi * std::pow(theta, static_cast<double>(pair) / static_cast<double>(pairs));
}

double llama3_divisor(const Llama3Rope& rope, double wave) {
  const auto context = static_cast<double>(rope.original_context);
  if (wave < context / rope.high_frequency_factor) return 1;
  if (wave > context / rope.low_frequency_factor) return rope.factor;
  const double smooth =
      (context / wave - rope.low_frequency_factor) / (rope.high_frequency_factor - rope.low_frequency_factor);
  return 1 / ((1 - smooth) / rope.factor + smooth);
}

bool reproduces(const Llama3Rope& rope, double theta, std::span<const float> factors) {
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const double expected = llama3_divisor(rope, wavelength(theta, i, factors.size()));
    if (std::abs(expected - factors[i]) > 1e-4 * expected) return false;
  }
  return true;
}

}  // namespace

std::optional<Llama3Rope> find_llama3_rope(double theta, std::span<const float> factors) {
  if (factors.empty() || !std::ranges::all_of(factors, [](float f) { return std::isfinite(f) && f >= 1.0F; })) {
    return std::nullopt;
  }
  Llama3Rope rope;
  rope.factor = shortest_decimal(*std::ranges::max_element(factors));
  if (rope.factor == 1) return std::nullopt;

  // In the blended band 1/f = 1/factor + smooth (1 - 1/factor), and smooth is linear in 1/wavelength.
  struct Blended {
    double frequency;
    double smooth;
  };
  std::vector<Blended> blended;
  double longest_kept = 0;
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const double wave = wavelength(theta, i, factors.size());
    const double f = factors[i];
    if (f <= 1 + 1e-6) longest_kept = wave;
    if (f > 1 + 1e-6 && f < rope.factor * (1 - 1e-6)) {
      blended.push_back({1 / wave, (1 / f - 1 / rope.factor) / (1 - 1 / rope.factor)});
    }
  }
  const auto context_from = [&](double context) {
    rope.original_context = std::llround(context);
    return rope.original_context > 0 && reproduces(rope, theta, factors);
  };
  if (blended.empty()) {
    // No wavelength in the band: every context fits that has none; take the models' own if it does, else a power of
    // two.
    if (context_from(8192)) return rope;
    if (context_from(std::exp2(std::ceil(std::log2(4 * longest_kept + 1))))) return rope;
    return std::nullopt;
  }
  const Blended& middle = blended[blended.size() / 2];
  if (context_from((1 + 3 * middle.smooth) / middle.frequency)) return rope;
  if (blended.size() < 2) return std::nullopt;
  // smooth = (context * frequency - 1) / (high - 1): slope and intercept from the outermost two.
  const Blended& first = blended.front();
  const Blended& last = blended.back();
  const double slope = (first.smooth - last.smooth) / (first.frequency - last.frequency);
  const double intercept = first.smooth - slope * first.frequency;
  if (intercept >= 0) return std::nullopt;
  const double high = 1 - 1 / intercept;
  // Stored in float32: the nearest number of few digits is meant.
  rope.high_frequency_factor = std::round(high * 1000) / 1000;
  if (context_from(slope * (rope.high_frequency_factor - 1))) return rope;
  return std::nullopt;
}

namespace {

double positive(const GgufModel& model, std::string_view name, std::optional<double> fallback = std::nullopt) {
  const std::string key = model.key(name);
  const std::optional<double> value = model.metadata().number(key);
  if (!value && fallback) return *fallback;
  if (!value || *value <= 0) {
    throw CheckpointError(fmt::format("{}: key '{}' is {}, expected a positive number", model.label(), key,
                                      value ? fmt::format("{}", *value) : "missing"));
  }
  return *value;
}

Json decimals(std::span<const float> values) {
  Json list = Json::array();
  for (const float value : values) list.push_back(shortest_decimal(value));
  return list;
}

std::vector<float> divisors(const GgufModel& model, std::string_view name, std::size_t pairs) {
  std::vector<float> values = model.rotary_constant(name);
  if (!values.empty() && values.size() != pairs) {
    throw CheckpointError(fmt::format("{}: tensor '{}' has {} values, expected {}, one for each rotary pair",
                                      model.label(), name, values.size(), pairs));
  }
  if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value) && value > 0; })) {
    throw CheckpointError(
        fmt::format("{}: tensor '{}' has a value that is not a positive number", model.label(), name));
  }
  return values;
}

void set_longrope(Json& rope, std::span<const float> long_factors, std::span<const float> short_factors,
                  std::int64_t original_context) {
  rope["rope_type"] = "longrope";
  rope["long_factor"] = decimals(long_factors);
  rope["short_factor"] = decimals(short_factors);
  rope["original_max_position_embeddings"] = original_context;
}

}  // namespace

Json gguf_rope_parameters(const GgufModel& model) {
  const GgufMetadata& metadata = model.metadata();
  const GgufModelSizes& sizes = model.sizes();
  const bool gemma3 = model.architecture().gguf == "gemma3";
  const double theta = positive(model, "rope.freq_base", gemma3 ? 1e6 : 1e4);
  const std::int64_t rotary = metadata.integer(model.key("rope.dimension_count")).value_or(sizes.head_dim);
  const bool partial = model.architecture().gguf == "phi3";
  if (rotary <= 0 || rotary % 2 != 0 || rotary > sizes.head_dim || (rotary != sizes.head_dim && !partial)) {
    throw CheckpointError(fmt::format("{}: key '{}' is {}, expected the head size {}", model.label(),
                                      model.key("rope.dimension_count"), rotary, sizes.head_dim));
  }
  const auto pairs = static_cast<std::size_t>(rotary / 2);

  Json rope;
  rope["rope_type"] = "default";
  rope["rope_theta"] = theta;
  if (partial) {
    rope["partial_rotary_factor"] = static_cast<double>(rotary) / static_cast<double>(sizes.head_dim);
  }
  const std::int64_t context = metadata.integer(model.key("context_length")).value_or(0);
  const std::int64_t original_context =
      metadata.integer(model.key("rope.scaling.original_context_length")).value_or(context);
  std::string type = metadata.text(model.key("rope.scaling.type")).value_or("none");
  if (type == "none" && metadata.has(model.key("rope.scale_linear"))) type = "old linear";

  const std::vector<float> long_factors = divisors(model, "rope_factors_long.weight", pairs);
  const std::vector<float> short_factors = divisors(model, "rope_factors_short.weight", pairs);
  if (!long_factors.empty() && !short_factors.empty()) {
    set_longrope(rope, long_factors, short_factors, original_context);
    return rope;
  }
  if (type == "linear" || type == "old linear") {
    const double factor = positive(model, type == "linear" ? "rope.scaling.factor" : "rope.scale_linear");
    if (factor != 1) {
      rope["rope_type"] = "linear";
      rope["factor"] = factor;
    }
    return rope;
  }
  if (type == "yarn") {
    rope["rope_type"] = "yarn";
    rope["factor"] = positive(model, "rope.scaling.factor");
    rope["original_max_position_embeddings"] = original_context;
    struct Option {
      std::string_view gguf, hugging_face;
    };
    for (const Option& option :
         {Option{"rope.scaling.yarn_attn_factor", "attention_factor"},
          Option{"rope.scaling.yarn_beta_fast", "beta_fast"}, Option{"rope.scaling.yarn_beta_slow", "beta_slow"}}) {
      if (metadata.has(model.key(option.gguf))) rope[std::string(option.hugging_face)] = positive(model, option.gguf);
    }
    return rope;
  }
  if (type != "none") {
    throw CheckpointError(fmt::format("{}: key '{}' is '{}', expected none, linear, yarn or longrope with its factors",
                                      model.label(), model.key("rope.scaling.type"), type));
  }

  const std::vector<float> factors = divisors(model, "rope_freqs.weight", pairs);
  if (std::ranges::all_of(factors, [](float factor) { return factor == 1.0F; })) return rope;
  if (const auto found = find_llama3_rope(theta, factors)) {
    rope["rope_type"] = "llama3";
    rope["factor"] = found->factor;
    rope["low_freq_factor"] = found->low_frequency_factor;
    rope["high_freq_factor"] = found->high_frequency_factor;
    rope["original_max_position_embeddings"] = found->original_context;
  } else {
    set_longrope(rope, factors, factors, std::max<std::int64_t>(context, 1));
    rope["attention_factor"] = 1.0;
  }
  return rope;
}

}  // namespace cambium::checkpoint
