#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "checkpoint/gguf_model.h"
#include "checkpoint/json.h"

namespace cambium::checkpoint {

/// Numbers of Llama 3.1's rotary scaling: wavelengths longer than original_context / low are slowed down by `factor`,
/// shorter ones than original_context / high stay, those between are blended.
struct Llama3Rope {
  double factor = 1;
  double low_frequency_factor = 1;
  double high_frequency_factor = 4;
  std::int64_t original_context = 8192;
};

/// Finds the numbers that llama.cpp's converter made a file's `rope_freqs.weight` from.
///
/// The factors fix `factor` and the ratios of the other three; low_frequency_factor is taken to be 1 as in every
/// published model, and high_frequency_factor 4 unless two blended wavelengths say otherwise.
/// @param theta    base of the frequencies: wavelength of pair i is 2 pi theta^(i / n)
/// @param factors  one divisor for each of the n rotary pairs
/// @return         numbers that reproduce every factor to 1e-4; nothing if there are none
[[nodiscard]] std::optional<Llama3Rope> find_llama3_rope(double theta, std::span<const float> factors);

/// `rope_parameters` of a config: the base and, if the file has any, the scaling (linear, yarn, longrope, llama3).
/// Divisors that fit no named scheme are written as longrope with the same list for every length, which means the same.
/// @throws CheckpointError  a scaling type that Hugging Face has no word for, or numbers that make no sense
[[nodiscard]] Json gguf_rope_parameters(const GgufModel& model);

}  // namespace cambium::checkpoint
