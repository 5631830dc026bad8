#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace cambium::lab {

/// Shape of a small language model of the world. The families differ as the real ones do: mistral shares key and value
/// heads, qwen2 has biases in q, k and v.
struct BaseModel {
  std::string_view name;    ///< "llama-1m"
  std::string_view family;  ///< model_type: llama, mistral, qwen2
  std::int64_t hidden_size = 0, intermediate_size = 0, num_layers = 0, num_heads = 0, num_kv_heads = 0;
};
/// The three families at about one million parameters and the size ladder of llama.
[[nodiscard]] std::span<const BaseModel> base_models();
/// @throws UsageError  no such model; names the nearest
[[nodiscard]] const BaseModel& find_base_model(std::string_view name);

/// Writes a Hugging Face folder: config.json, seeded initial weights (float32; normal of 0.02, those that write into
/// the residual stream scaled by 1 / sqrt(2 layers)), generation_config.json, and the files of the tokenizer's folder.
void write_initial_model(const BaseModel& model, const std::filesystem::path& tokenizer, std::size_t vocabulary,
                         std::uint64_t seed, const std::filesystem::path& folder);

/// Writes a seeded vision tower (a CLIP vision model folder with its preprocessor_config.json) for square pictures.
/// @param image_size, patch_size  pixels; one feature row for each patch
void write_initial_tower(std::int64_t hidden_size, std::int64_t num_layers, std::int64_t image_size,
                         std::int64_t patch_size, std::uint64_t seed, const std::filesystem::path& folder);

}  // namespace cambium::lab
