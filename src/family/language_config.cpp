#include "family/language_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "family/decoder_family.h"
#include "tensor/error.h"

namespace cambium::family {
namespace {

using checkpoint::Json;

// No model has a dimension near this; products of three sizes stay inside 63 bits.
constexpr std::int64_t kLargestSize = 1'000'000'000;
constexpr std::int64_t kMostLayers = 1'000'000;
constexpr std::size_t kShownValue = 60;

std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > kShownValue) text = text.substr(0, kShownValue) + "...";
  return text;
}

std::string key_path(const TextConfig& text, std::string_view key) {
  return text.nested ? fmt::format("{}.{}", text.path, key) : std::string(key);
}

const Json* member(const Json& object, std::string_view key) {
  const auto found = object.find(std::string(key));
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

// The size in the config; the fallback if the key is absent; 0 (derive it) if it is null or the family has no such key.
std::int64_t size_of(const SizeField& field, const TextConfig& text, std::int64_t largest, std::string_view where) {
  if (field.key.empty()) return 0;
  const auto found = text.object->find(std::string(field.key));
  if (found == text.object->end()) return field.fallback;
  if (found->is_null()) return 0;
  const bool integer = found->is_number_unsigned() || found->is_number_integer();
  const bool fits =
      integer && (!found->is_number_unsigned() || found->get<std::uint64_t>() <= static_cast<std::uint64_t>(largest));
  if (!fits || found->get<std::int64_t>() < 1 || found->get<std::int64_t>() > largest) {
    throw CheckpointError(fmt::format("{}: config.json has {} = {}, expected an integer from 1 to {}", where,
                                      key_path(text, field.key), shown(*found), largest));
  }
  return found->get<std::int64_t>();
}

void require_known(std::int64_t size, const SizeField& field, const TextConfig& text, std::string_view where) {
  if (size > 0) return;
  throw CheckpointError(
      fmt::format("{}: config.json has {} = null, expected an integer", where, key_path(text, field.key)));
}

}  // namespace

std::optional<std::string> string_member(const Json& object, std::string_view key, std::string_view where) {
  const Json* value = member(object, key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    throw CheckpointError(fmt::format("{}: config.json has {} = {}, expected a string", where, key, shown(*value)));
  }
  return value->get<std::string>();
}

std::optional<bool> flag_member(const Json& object, std::string_view key, std::string_view where) {
  const Json* value = member(object, key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) {
    throw CheckpointError(
        fmt::format("{}: config.json has {} = {}, expected true or false", where, key, shown(*value)));
  }
  return value->get<bool>();
}

TextConfig find_text_config(const Json& config, std::string_view where) {
  // In the order of trust; the last two are how other code bases than transformers call it.
  for (const char* key : {"text_config", "language_config", "llm_config"}) {
    const Json* nested = member(config, key);
    if (nested == nullptr) continue;
    if (!nested->is_object()) {
      throw CheckpointError(fmt::format("{}: config.json has {} = {}, expected an object", where, key, shown(*nested)));
    }
    return {.object = nested, .path = key, .nested = true};
  }
  return {.object = &config, .path = {}, .nested = false};
}

LanguageConfig read_language_config(const DecoderFamily& decoder, const TextConfig& text, std::string_view where) {
  const auto size = [&](const SizeField& field, std::int64_t largest = kLargestSize) {
    return size_of(field, text, largest, where);
  };
  LanguageConfig language;
  language.family = decoder.name;
  language.raw = *text.object;
  language.hidden_size = size(decoder.hidden_size);
  language.num_layers = size(decoder.num_layers, kMostLayers);
  language.num_heads = size(decoder.num_heads, kMostLayers);
  language.vocab_size = size(decoder.vocab_size);
  require_known(language.hidden_size, decoder.hidden_size, text, where);
  require_known(language.num_layers, decoder.num_layers, text, where);
  require_known(language.num_heads, decoder.num_heads, text, where);
  require_known(language.vocab_size, decoder.vocab_size, text, where);

  language.intermediate_size = size(decoder.intermediate_size);
  if (language.intermediate_size == 0) language.intermediate_size = decoder.intermediate_factor * language.hidden_size;
  require_known(language.intermediate_size, decoder.intermediate_size, text, where);
  language.num_kv_heads = size(decoder.num_kv_heads, kMostLayers);
  if (language.num_kv_heads == 0) language.num_kv_heads = language.num_heads;
  language.head_dim = size(decoder.head_dim, kMostLayers);
  if (language.head_dim == 0) {
    if (language.hidden_size % language.num_heads != 0) {
      throw CheckpointError(fmt::format("{}: config.json has {} = {}, which its {} = {} heads do not divide", where,
                                        key_path(text, decoder.hidden_size.key), language.hidden_size,
                                        key_path(text, decoder.num_heads.key), language.num_heads));
    }
    language.head_dim = language.hidden_size / language.num_heads;
  }
  if (language.num_heads % language.num_kv_heads != 0) {
    throw CheckpointError(fmt::format("{}: config.json has {} = {}, which does not divide {} = {}", where,
                                      key_path(text, decoder.num_kv_heads.key), language.num_kv_heads,
                                      key_path(text, decoder.num_heads.key), language.num_heads));
  }
  return language;
}

std::vector<int> read_inserted_layers(const DecoderFamily& decoder, const TextConfig& text, std::int64_t num_layers,
                                      std::string_view where) {
  if (decoder.inserted_layers_key.empty()) return {};
  std::vector<int> layers;
  const Json* list = member(*text.object, decoder.inserted_layers_key);
  if (list == nullptr) {
    for (const int layer : decoder.inserted_layers_fallback) {
      if (layer < num_layers) layers.push_back(layer);
    }
    return layers;
  }
  bool good = list->is_array() && list->size() < static_cast<std::size_t>(num_layers);
  for (std::size_t i = 0; good && i < list->size(); ++i) {
    const Json& item = (*list)[i];
    good = item.is_number_unsigned() && item.get<std::uint64_t>() < static_cast<std::uint64_t>(num_layers);
    if (good) layers.push_back(item.get<int>());
  }
  std::ranges::sort(layers);
  if (!good || std::ranges::adjacent_find(layers) != layers.end()) {
    throw CheckpointError(fmt::format("{}: config.json has {} = {}, expected a list of distinct layer numbers below {}",
                                      where, key_path(text, decoder.inserted_layers_key), shown(*list), num_layers));
  }
  return layers;
}

}  // namespace cambium::family
