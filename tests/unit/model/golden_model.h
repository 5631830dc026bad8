#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "model/engine/engine.h"
#include "model/loaded_model.h"
#include "model/native/native_decoder.h"
#include "model/tensor_file.h"

namespace cambium::model {

inline std::string golden_folder(const std::string& name) { return CAMBIUM_SOURCE_DIR "/tests/golden/models/" + name; }

/// The tiny models of tests/golden/models.
inline const std::vector<std::string>& golden_models() {
  static const std::vector<std::string> names{"gemma2",
                                              "gemma3_text",
                                              "gpt2_scaled",
                                              "gpt_neox_parallel",
                                              "gpt_neox_sequential",
                                              "llama_biases",
                                              "llama_dynamic",
                                              "llama_linear",
                                              "llama_llama3",
                                              "llama_yarn",
                                              "llama_yarn_scales",
                                              "mistral_open",
                                              "phi3_longrope",
                                              "phi3_partial",
                                              "qwen2_sliding",
                                              "qwen3"};
  return names;
}

inline LoadedModel load_golden(const std::string& name, at::ScalarType dtype = at::kFloat) {
  return load_model(open_model(golden_folder(name)), dtype);
}

inline TensorMap golden_values(const std::string& name) {
  return read_tensor_file(golden_folder(name) + "/golden.safetensors");
}

inline std::unique_ptr<Engine> engine_of(const LoadedModel& model, const EngineOptions& options = {},
                                         std::size_t max_blocks = 1024, unsigned threads = 2) {
  return std::make_unique<Engine>(
      std::make_unique<NativeDecoder>(model.config, model.weights, model.dtype,
                                      NativeDecoder::Options{.threads = threads, .max_blocks = max_blocks}),
      options);
}

inline std::vector<std::int32_t> ids_of(const at::Tensor& row) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < row.numel(); ++i) ids.push_back(static_cast<std::int32_t>(row[i].item<std::int64_t>()));
  return ids;
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return a.sub(b).abs().max().item<double>();
}

}  // namespace cambium::model
