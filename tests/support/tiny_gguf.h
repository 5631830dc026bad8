#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "support/gguf_bytes.h"

namespace cambium::test {

/// A whole llama model of one layer as a GGUF file: hidden size 4, 2 heads of 2, feed-forward 6, 5 tokens. Tests change
/// what they want wrong before bytes() puts it together.
struct TinyGguf {
  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> shape;  // innermost first
    std::uint32_t type = 0;
  };
  std::string architecture = "llama";
  std::vector<std::pair<std::string, std::uint32_t>> integers{
      {"llama.block_count", 1},          {"llama.context_length", 64},      {"llama.embedding_length", 4},
      {"llama.feed_forward_length", 6},  {"llama.attention.head_count", 2}, {"tokenizer.ggml.bos_token_id", 1},
      {"tokenizer.ggml.eos_token_id", 2}};
  std::vector<std::pair<std::string, std::string>> texts{{"tokenizer.ggml.model", "gpt2"},
                                                         {"tokenizer.ggml.pre", "gpt-2"}};
  std::vector<std::string> tokens{"a", "<s>", "</s>", "b", "ab"};
  std::vector<std::int32_t> token_types{1, 3, 3, 1, 1};
  std::vector<std::string> merges{"a b"};
  std::vector<float> scores;
  std::vector<Tensor> tensors{
      {"token_embd.weight", {4, 5}},        {"output_norm.weight", {4}},      {"blk.0.attn_norm.weight", {4}},
      {"blk.0.attn_q.weight", {4, 4}},      {"blk.0.attn_k.weight", {4, 4}},  {"blk.0.attn_v.weight", {4, 4}},
      {"blk.0.attn_output.weight", {4, 4}}, {"blk.0.ffn_norm.weight", {4}},   {"blk.0.ffn_gate.weight", {4, 6}},
      {"blk.0.ffn_up.weight", {4, 6}},      {"blk.0.ffn_down.weight", {6, 4}}};
  /// Value of element `index` (row-major) of tensor `name`.
  std::function<float(const std::string& name, std::uint64_t index)> value =
      [](const std::string&, std::uint64_t index) { return static_cast<float>(index); };

  [[nodiscard]] GgufBytes bytes() const {
    GgufBytes file;
    const std::uint64_t keys =
        2 + integers.size() + texts.size() + 2 + (merges.empty() ? 0 : 1) + (scores.empty() ? 0 : 1);
    file.head(tensors.size(), keys);
    file.text_key("general.architecture", architecture);
    file.float_key(architecture + ".attention.layer_norm_rms_epsilon", 1e-5F);
    for (const auto& [key, number] : integers) file.integer_key(key, number);
    for (const auto& [key, text] : texts) file.text_key(key, text);
    file.texts_key("tokenizer.ggml.tokens", tokens).array_key("tokenizer.ggml.token_type", 5, token_types);
    if (!merges.empty()) file.texts_key("tokenizer.ggml.merges", merges);
    if (!scores.empty()) file.array_key("tokenizer.ggml.scores", 6, scores);
    std::uint64_t offset = 0;
    for (const Tensor& tensor : tensors) {
      file.tensor(tensor.name, tensor.shape, tensor.type, offset);
      offset += (count(tensor) * 4 + 31) / 32 * 32;
    }
    file.pad();
    for (const Tensor& tensor : tensors) {
      for (std::uint64_t i = 0; i < count(tensor); ++i) file.number(value(tensor.name, i));
      file.pad();
    }
    return file;
  }

  static std::uint64_t count(const Tensor& tensor) {
    std::uint64_t product = 1;
    for (const std::uint64_t size : tensor.shape) product *= size;
    return product;
  }
};

}  // namespace cambium::test
