// make_pair DIR: writes a small language model DIR/base (Llama) and DIR/mllm (LLaVA-1.5: the same language model after
// a small update, with a CLIP tower and a projector) with generated weights. The same options give the same bytes. Used
// by ./run, the tests of the documentation and whoever wants to try a command without a download.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/json.h"
#include "tensor/convert.h"
#include "tensor/error.h"

namespace {

using cambium::DType;
using cambium::Shape;
using cambium::checkpoint::CheckpointWriter;
using cambium::checkpoint::Json;
using cambium::checkpoint::TensorInfo;

struct Sizes {
  std::int64_t hidden = 256, layers = 4, intermediate = 688, heads = 8, kv_heads = 4, tower_hidden = 64,
               tower_layers = 2;
  std::uint64_t seed = 0;
};

constexpr int kBytes = 256;                    // one token a byte
constexpr int kBaseTokens = kBytes + 3;        // and <unk>, <s>, </s>
constexpr int kModelTokens = kBaseTokens + 5;  // and <image>, <pad>, three spare rows

std::uint64_t mix(std::uint64_t value) {  // SplitMix64's finalizer
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

// Element `index` of the stream named by `key`: sum of four uniforms, so about normal, standard deviation 1.
float noise(std::uint64_t key, std::uint64_t index) {
  const std::uint64_t bits = mix(key + index * 0x9E3779B97F4A7C15ULL);
  float sum = 0;
  for (int part = 0; part < 4; ++part) sum += static_cast<float>((bits >> (16 * part)) & 0xFFFFU) / 65536.0F - 0.5F;
  return sum * 1.7320508F;
}

std::uint64_t key_of(std::string_view name, std::uint64_t seed) {
  std::uint64_t key = mix(seed + 1);
  for (const char letter : name) key = mix(key ^ static_cast<unsigned char>(letter));
  return key;
}

// A tensor, the stream its base values come from, and the size of the update on top.
struct Generated {
  TensorInfo info;
  std::string stream;
  float update = 0;
};

void add_language(std::vector<Generated>& out, const Sizes& sizes, const std::string& prefix, int rows, float update) {
  const std::int64_t head_dim = sizes.hidden / sizes.heads;
  const auto add = [&](const std::string& name, Shape shape) {
    out.push_back({{prefix + name, DType::kBF16, std::move(shape)}, name, update});
  };
  add("model.embed_tokens.weight", {rows, sizes.hidden});
  for (std::int64_t layer = 0; layer < sizes.layers; ++layer) {
    const std::string start = fmt::format("model.layers.{}.", layer);
    add(start + "input_layernorm.weight", {sizes.hidden});
    add(start + "self_attn.q_proj.weight", {sizes.hidden, sizes.hidden});
    add(start + "self_attn.k_proj.weight", {sizes.kv_heads * head_dim, sizes.hidden});
    add(start + "self_attn.v_proj.weight", {sizes.kv_heads * head_dim, sizes.hidden});
    add(start + "self_attn.o_proj.weight", {sizes.hidden, sizes.hidden});
    add(start + "post_attention_layernorm.weight", {sizes.hidden});
    add(start + "mlp.gate_proj.weight", {sizes.intermediate, sizes.hidden});
    add(start + "mlp.up_proj.weight", {sizes.intermediate, sizes.hidden});
    add(start + "mlp.down_proj.weight", {sizes.hidden, sizes.intermediate});
  }
  add("model.norm.weight", {sizes.hidden});
  add("lm_head.weight", {rows, sizes.hidden});
}

void add_tower(std::vector<Generated>& out, const Sizes& sizes) {
  const std::int64_t width = sizes.tower_hidden;
  const auto add = [&](const std::string& name, Shape shape) {
    out.push_back({{name, DType::kBF16, std::move(shape)}, name, 0});
  };
  const auto linear = [&](const std::string& name, std::int64_t rows, std::int64_t columns) {
    add(name + ".weight", {rows, columns});
    add(name + ".bias", {rows});
  };
  const auto norm = [&](const std::string& name) {
    add(name + ".weight", {width});
    add(name + ".bias", {width});
  };
  add("vision_tower.embeddings.class_embedding", {width});
  add("vision_tower.embeddings.patch_embedding.weight", {width, 3, 8, 8});
  add("vision_tower.embeddings.position_embedding.weight", {17, width});
  norm("vision_tower.pre_layrnorm");
  for (std::int64_t layer = 0; layer < sizes.tower_layers; ++layer) {
    const std::string start = fmt::format("vision_tower.encoder.layers.{}.", layer);
    for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"})
      linear(start + "self_attn." + part, width, width);
    norm(start + "layer_norm1");
    linear(start + "mlp.fc1", 2 * width, width);
    linear(start + "mlp.fc2", width, 2 * width);
    norm(start + "layer_norm2");
  }
  norm("vision_tower.post_layernorm");
  linear("multi_modal_projector.linear_1", sizes.hidden, width);
  linear("multi_modal_projector.linear_2", sizes.hidden, sizes.hidden);
}

std::vector<std::byte> values_of(const Generated& tensor, std::uint64_t seed) {
  const std::size_t count = cambium::numel(tensor.info.shape);
  const bool norm = tensor.info.shape.size() == 1 && tensor.info.name.find("norm") != std::string::npos &&
                    tensor.info.name.ends_with(".weight");
  const std::uint64_t base_key = key_of(tensor.stream, seed);
  const std::uint64_t update_key = key_of(tensor.stream, seed + 1);
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = (norm ? 1.0F : 0.0F) + 0.02F * noise(base_key, i);
    if (tensor.update > 0) values[i] += tensor.update * noise(update_key, i);
  }
  std::vector<std::byte> stored(tensor.info.bytes());
  cambium::from_float32(DType::kBF16, values, stored);
  return stored;
}

Json language_config(const Sizes& sizes, int rows) {
  return {{"model_type", "llama"},
          {"vocab_size", rows},
          {"hidden_size", sizes.hidden},
          {"intermediate_size", sizes.intermediate},
          {"num_hidden_layers", sizes.layers},
          {"num_attention_heads", sizes.heads},
          {"num_key_value_heads", sizes.kv_heads},
          {"head_dim", sizes.hidden / sizes.heads},
          {"hidden_act", "silu"},
          {"max_position_embeddings", 2048},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"tie_word_embeddings", false},
          {"bos_token_id", kBytes + 1},
          {"eos_token_id", kBytes + 2},
          {"torch_dtype", "bfloat16"}};
}

std::string utf8(unsigned code) {
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0U | (code >> 6U)), static_cast<char>(0x80U | (code & 0x3FU))};
}

// A byte-level tokenizer without merges: each byte is a token, spelled as GPT-2's table spells bytes.
Json tokenizer(bool multimodal) {
  Json vocabulary = Json::object();
  unsigned spare = 256;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    vocabulary[utf8(printable ? byte : spare++)] = byte;
  }
  Json added = Json::array();
  std::vector<std::string> specials{"<unk>", "<s>", "</s>"};
  if (multimodal) specials.insert(specials.end(), {"<image>", "<pad>"});
  for (std::size_t i = 0; i < specials.size(); ++i) {
    vocabulary[specials[i]] = kBytes + i;
    added.push_back({{"id", kBytes + i},
                     {"content", specials[i]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  const Json byte_level{
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level},
          {"post_processor", nullptr},
          {"decoder", byte_level},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", "<unk>"},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"vocab", vocabulary},
            {"merges", Json::array()}}}};
}

void write_model(const std::filesystem::path& folder, const std::vector<Generated>& tensors, const Json& config,
                 bool multimodal, std::uint64_t seed) {
  std::vector<TensorInfo> infos;
  for (const Generated& tensor : tensors) infos.push_back(tensor.info);
  CheckpointWriter writer(folder, cambium::checkpoint::plan_output(infos), CheckpointWriter::Start::kFresh);
  for (std::size_t i = 0; i < tensors.size(); ++i) writer.write(i, 0, values_of(tensors[i], seed));
  writer.write_file("config.json", config.dump(2) + "\n");
  writer.write_file("tokenizer.json", tokenizer(multimodal).dump(1) + "\n");
  writer.write_file("tokenizer_config.json", Json{{"tokenizer_class", "PreTrainedTokenizerFast"},
                                                  {"bos_token", "<s>"},
                                                  {"eos_token", "</s>"},
                                                  {"unk_token", "<unk>"}}
                                                     .dump(2) +
                                                 "\n");
  writer.finish();
}

void write_pair(const std::filesystem::path& folder, const Sizes& sizes) {
  std::vector<Generated> base;
  add_language(base, sizes, "", kBaseTokens, 0);
  Json config = language_config(sizes, kBaseTokens);
  config["architectures"] = {"LlamaForCausalLM"};
  write_model(folder / "base", base, config, false, sizes.seed);

  std::vector<Generated> model;
  add_language(model, sizes, "language_model.", kModelTokens, 0.002F);
  add_tower(model, sizes);
  const Json graft{{"architectures", {"LlavaForConditionalGeneration"}},
                   {"model_type", "llava"},
                   {"image_token_index", kBytes + 3},
                   {"projector_hidden_act", "gelu"},
                   {"vision_feature_layer", -2},
                   {"vision_feature_select_strategy", "default"},
                   {"tie_word_embeddings", false},
                   {"text_config", language_config(sizes, kModelTokens)},
                   {"vision_config",
                    {{"model_type", "clip_vision_model"},
                     {"hidden_size", sizes.tower_hidden},
                     {"intermediate_size", 2 * sizes.tower_hidden},
                     {"num_hidden_layers", sizes.tower_layers},
                     {"num_attention_heads", 4},
                     {"image_size", 32},
                     {"patch_size", 8},
                     {"num_channels", 3},
                     {"projection_dim", sizes.tower_hidden},
                     {"hidden_act", "quick_gelu"},
                     {"layer_norm_eps", 1e-5}}},
                   {"torch_dtype", "bfloat16"}};
  write_model(folder / "mllm", model, graft, true, sizes.seed);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Writes a generated language model DIR/base and its multimodal descendant DIR/mllm", "make_pair"};
  std::string folder;
  Sizes sizes;
  app.add_option("dir", folder, "folder to create")->required();
  app.add_option("--hidden", sizes.hidden, "hidden size, a multiple of the 8 heads")->capture_default_str();
  app.add_option("--layers", sizes.layers, "language layers")->capture_default_str();
  app.add_option("--intermediate", sizes.intermediate, "feed-forward size")->capture_default_str();
  app.add_option("--seed", sizes.seed, "seed of the weights")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    std::filesystem::create_directories(folder);
    write_pair(folder, sizes);
  } catch (const std::exception& error) {
    std::cerr << "make_pair: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
