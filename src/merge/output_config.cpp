#include "merge/output_config.h"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace cambium::merge {
namespace {

using checkpoint::Json;
using family::Part;
using family::Role;

constexpr std::array<std::string_view, 2> kTypeKeys{"torch_dtype", "dtype"};

// Element type that most bytes of a part have.
std::map<Part, DType> types_of_parts(const MergePlan& plan) {
  std::map<Part, std::map<DType, std::uint64_t>> bytes;
  for (const PlannedTensor& tensor : plan.tensors) {
    if (is_mergeable(tensor.output.dtype)) bytes[tensor.role->part][tensor.output.dtype] += tensor.output.bytes();
  }
  std::map<Part, DType> types;
  for (const auto& [part, each] : bytes) {
    std::uint64_t most = 0;
    for (const auto& [dtype, count] : each) {
      if (count >= most) types[part] = dtype;
      most = std::max(most, count);
    }
  }
  return types;
}

void set_type(Json& object, DType dtype) {
  for (const std::string_view key : kTypeKeys) {
    const auto found = object.find(key);
    if (found != object.end()) *found = std::string(torch_name_of(dtype));
  }
}

// The object that holds the language model's sizes.
Json& language_object(Json& config) {
  for (const char* key : {"text_config", "llm_config", "language_config"}) {
    const auto found = config.find(key);
    if (found != config.end() && found->is_object()) return *found;
  }
  return config;
}

void set_types(Json& config, const std::map<Part, DType>& types) {
  const auto type = [&](Part part) -> std::optional<DType> {
    const auto found = types.find(part);
    return found == types.end() ? std::nullopt : std::optional(found->second);
  };
  if (const auto language = type(Part::kLanguage)) {
    set_type(config, *language);
    if (!config.contains("torch_dtype") && !config.contains("dtype")) {
      config["torch_dtype"] = std::string(torch_name_of(*language));
    }
    Json& text = language_object(config);
    if (&text != &config) set_type(text, *language);
  }
  const std::pair<const char*, Part> kTowers[] = {{"vision_config", Part::kVisionTower},
                                                  {"audio_config", Part::kAudioTower}};
  for (const auto& [key, part] : kTowers) {
    const auto found = config.find(key);
    if (found != config.end() && found->is_object() && type(part)) set_type(*found, *type(part));
  }
}

void set_vocabulary(Json& config, std::int64_t rows) {
  Json& text = language_object(config);
  for (Json* object : {&config, &text}) {
    if (object->contains("vocab_size")) (*object)["vocab_size"] = rows;
  }
  if (!config.contains("vocab_size") && !text.contains("vocab_size")) text["vocab_size"] = rows;
}

void set_layers(Json& config, const OutputFacts& facts) {
  Json& text = language_object(config);
  bool known = false;
  for (const char* key : {"num_hidden_layers", "n_layer", "num_layers", "n_layers"}) {
    if (!text.contains(key)) continue;
    text[key] = facts.layers_from.size();
    known = true;
  }
  if (!known) text["num_hidden_layers"] = facts.layers_from.size();
  // One entry a layer: each output layer keeps the kind of the layer it was.
  for (const char* key : {"layer_types"}) {
    const auto found = text.find(key);
    if (found == text.end() || !found->is_array()) continue;
    Json kinds = Json::array();
    for (const auto& [source, layer] : facts.layers_from) {
      Json own = source->config();
      const Json& list = language_object(own).value(key, Json::array());
      kinds.push_back(static_cast<std::size_t>(layer) < list.size() ? list[static_cast<std::size_t>(layer)]
                                                                    : Json("full_attention"));
    }
    *found = std::move(kinds);
  }
}

void set_untied(Json& config) {
  Json& text = language_object(config);
  for (Json* object : {&config, &text}) {
    if (object->contains("tie_word_embeddings")) (*object)["tie_word_embeddings"] = false;
  }
  // Left out, some families mean tied and some do not.
  if (!config.contains("tie_word_embeddings")) config["tie_word_embeddings"] = false;
}

}  // namespace

Json output_config(const MergePlan& plan, const OutputFacts& facts) {
  Json config = plan.layout->config();
  config.erase("_name_or_path");
  set_types(config, types_of_parts(plan));
  for (const PlannedTensor& tensor : plan.tensors) {
    if (tensor.role->role != Role::kEmbedding) continue;
    const family::TensorRole* embedding = plan.layout->find_canonical("embed_tokens.weight");
    const bool changed = embedding == nullptr || embedding->shape != tensor.output.shape;
    if (changed || tensor.vocabulary) set_vocabulary(config, tensor.output.shape.front());
  }
  if (!facts.layers_from.empty()) set_layers(config, facts);
  if (facts.untied && plan.layout->description().language.tie_word_embeddings) set_untied(config);
  if (facts.tokenizer_source != nullptr && facts.tokenizer_source != plan.layout) {
    for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"}) {
      const Json& other = facts.tokenizer_source->config();
      if (config.contains(key) && other.contains(key)) config[key] = other[key];
    }
  }
  return config;
}

}  // namespace cambium::merge
