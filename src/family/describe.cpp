// How describe() finds the family of a checkpoint and hands the tensors' roles out.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "family/decoder_family.h"
#include "family/decoder_tensors.h"
#include "family/family_table.h"
#include "family/graft_family.h"
#include "family/language_config.h"
#include "family/model_description.h"
#include "family/unknown_family.h"
#include "tensor/error.h"

namespace cambium::family {
namespace {

using checkpoint::Json;

constexpr std::size_t kListedTensors = 400;

// What the config says the model is.
struct Identity {
  const GraftFamily* graft = nullptr;
  const DecoderFamily* decoder = nullptr;
  std::string called;  // model_type or architecture, for notes
};

std::vector<std::string> declared_names(const Json& config, std::string_view where) {
  std::vector<std::string> names;
  const auto list = config.find("architectures");
  if (list != config.end() && !list->is_null()) {
    const bool strings =
        list->is_array() && std::ranges::all_of(*list, [](const Json& item) { return item.is_string(); });
    if (!strings)
      throw CheckpointError(fmt::format("{}: config.json has architectures that are not a list of strings", where));
    for (const Json& item : *list) names.push_back(item.get<std::string>());
  }
  if (auto type = string_member(config, "model_type", where)) names.push_back(std::move(*type));
  return names;
}

const DecoderFamily* decoder_of_text(const TextConfig& text, std::string_view where) {
  if (!text.nested) return nullptr;
  for (const std::string& name : declared_names(*text.object, fmt::format("{}: {} of", where, text.path))) {
    if (const DecoderFamily* decoder = find_decoder(name)) return decoder;
  }
  return nullptr;
}

Identity identify(const Json& config, const TextConfig& text, std::string_view where) {
  Identity identity;
  // Architectures come first: the LLaVA repository's configs say "llava" for each language model.
  for (const std::string& name : declared_names(config, where)) {
    if (identity.called.empty()) identity.called = name;
    const GraftName* matched = nullptr;
    if (const GraftFamily* graft = find_graft(name, &matched)) {
      identity.graft = graft;
      identity.decoder = decoder_of_text(text, where);
      const bool text_says_other = text.nested && text.object->contains("model_type");
      if (identity.decoder == nullptr && !matched->decoder.empty()) identity.decoder = find_decoder(matched->decoder);
      if (identity.decoder == nullptr && !text_says_other) identity.decoder = find_decoder(graft->decoder);
      return identity;
    }
    if (const DecoderFamily* decoder = find_decoder(name); decoder != nullptr && !text.nested) {
      identity.decoder = decoder;
      return identity;
    }
  }
  identity.decoder = decoder_of_text(text, where);
  return identity;
}

std::vector<LanguagePlace> known_places(const Identity& identity) {
  const DecoderFamily& decoder = *identity.decoder;
  std::vector<LanguagePlace> places;
  const auto alone = [&](std::string_view prefix, std::string_view layout, std::string_view strip) {
    places.push_back(
        {.layout = std::string(layout),
         .body = fmt::format("{}{}", prefix, decoder.body),
         .head = fmt::format("{}{}", prefix, decoder.head),
         .saved_body = std::string(identity.graft == nullptr ? decoder.body : identity.graft->roots[0].prefix),
         .strip = std::string(strip)});
  };
  if (identity.graft == nullptr) {
    alone("", "saved", "");
    places.push_back({.layout = "bare",
                      .head = std::string(decoder.head),
                      .saved_body = std::string(decoder.body),
                      .head_optional = true});
    return places;
  }
  for (const LanguageRoot& root : identity.graft->roots) {
    if (root.head.empty()) {
      alone(root.prefix, root.layout, root.strip);
    } else {
      places.push_back({.layout = std::string(root.layout),
                        .body = std::string(root.prefix),
                        .head = std::string(root.head),
                        .saved_body = std::string(identity.graft->roots[0].prefix),
                        .strip = std::string(root.strip)});
    }
  }
  return places;
}

// Places of the language model under prefixes that no family names: wherever the decoder's embedding turns up.
std::vector<LanguagePlace> found_places(const DecoderFamily& decoder, std::span<const TensorRole> roles) {
  std::vector<LanguagePlace> places;
  const std::string embedding = embedding_name(decoder, {});
  for (const TensorRole& tensor : roles) {
    if (!tensor.name.ends_with("." + embedding)) continue;
    LanguagePlace place{.layout = "unknown", .body = tensor.name.substr(0, tensor.name.size() - embedding.size())};
    place.saved_body = place.body;
    // The head is at the body's level or above it.
    const std::string head = fmt::format("{}.weight", decoder.head);
    for (std::string above = place.body;;) {
      place.head = fmt::format("{}{}", above, decoder.head);
      if (above.empty() || index_of(roles, above + head) != roles.size()) break;
      const std::size_t dot = above.find_last_of('.', above.size() - 2);
      above = dot == std::string::npos ? std::string() : above.substr(0, dot + 1);
    }
    places.push_back(std::move(place));
  }
  return places;
}

std::string listed(const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kListedTensors);
  std::string text =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (shown < names.size()) text += fmt::format(", and {} more", names.size() - shown);
  return text;
}

[[noreturn]] void throw_faults(const DecoderFaults& faults, const DecoderFamily& decoder, const Json& config,
                               std::string_view where) {
  std::string message(where);
  if (!faults.contradictions.empty()) {
    message += fmt::format(": {}; config.json and the weights do not belong together", listed(faults.contradictions));
  }
  if (!faults.missing.empty()) {
    message += fmt::format(": {} of the {} language model's tensors {} missing: {}", faults.missing.size(),
                           decoder.name, faults.missing.size() == 1 ? "is" : "are", listed(faults.missing));
    message += config.contains("quantization_config")
                   ? "; config.json has a quantization_config: give the unquantised checkpoint, or convert it first"
                   : "; is the download complete, and is this its config.json?";
  }
  throw CheckpointError(message);
}

bool tied(const DecoderFaults& faults, const Identity& identity, const LanguagePlace& place, const Json& config,
          const TextConfig& text, std::string_view where) {
  const std::optional<bool> of_text =
      text.nested ? flag_member(*text.object, "tie_word_embeddings", where) : std::nullopt;
  const std::optional<bool> of_all = flag_member(config, "tie_word_embeddings", where);
  if (!faults.head_missing) {
    // A file that stores a head all the same is tied only if its config says so in so many words.
    return of_text.value_or(of_all.value_or(false));
  }
  const bool by_default =
      identity.decoder->tied_by_default || (identity.graft != nullptr && identity.graft->tied_by_default);
  const bool said = of_text.value_or(false) || of_all.value_or(false);
  const bool silent = !of_all.has_value() || (text.nested && !of_text.has_value());
  return said || (silent && by_default) || place.head_optional;
}

void describe_towers(const Identity& identity, const LanguagePlace& place, ModelDescription& model) {
  for (TensorRole& tensor : model.tensors) {
    if (tensor.part == Part::kLanguage || tensor.part == Part::kCrossAttention) continue;
    std::string_view name = tensor.name;
    if (!place.strip.empty() && name.starts_with(place.strip)) name.remove_prefix(place.strip.size());
    tensor.canonical = name;
    tensor.layer = layer_in(name);
    tensor.bias = name.ends_with(".bias");
    if (identity.graft == nullptr) {
      tensor.role = is_buffer(tensor) ? Role::kBuffer : Role::kOther;
      continue;
    }
    for (const Rename& rename : identity.graft->renames) {
      if (!name.starts_with(rename.from)) continue;
      tensor.canonical = fmt::format("{}{}", rename.to, name.substr(rename.from.size()));
      if (rename.before_452 && model.layout == "saved") model.layout = "pre452";
      break;
    }
    for (const PartPrefix& part : identity.graft->parts) {
      if (!tensor.canonical.starts_with(part.prefix)) continue;
      tensor.part = part.part;
      break;
    }
    tensor.role = is_buffer(tensor)                 ? Role::kBuffer
                  : tensor.part == Part::kProjector ? Role::kProjector
                  : tensor.part == Part::kOther     ? Role::kOther
                                                    : Role::kTower;
  }
}

std::vector<TensorRole> blank_roles(const std::vector<checkpoint::TensorInfo>& tensors) {
  std::vector<TensorRole> roles;
  roles.reserve(tensors.size());
  for (const checkpoint::TensorInfo& tensor : tensors) {
    TensorRole role;
    role.name = tensor.name;
    role.shape = tensor.shape;
    roles.push_back(std::move(role));
  }
  std::ranges::sort(roles, {}, &TensorRole::name);
  return roles;
}

// A checkpoint whose decoder has a family file.
class KnownDecoder {
 public:
  KnownDecoder(const Identity& identity, const Json& config, const TextConfig& text, std::string_view where)
      : identity_(identity), config_(config), text_(text), where_(where) {}

  ModelDescription describe(std::vector<TensorRole> blank) const {
    ModelDescription model;
    model.language = read_language_config(*identity_.decoder, text_, where_);
    model.cross_attention_layers = read_inserted_layers(*identity_.decoder, text_, model.language.num_layers, where_);
    if (static_cast<std::uint64_t>(model.language.num_layers) > blank.size()) {
      throw CheckpointError(fmt::format("{}: config.json asks for {} layers, but the weights have only {} tensors",
                                        where_, model.language.num_layers, blank.size()));
    }
    model.language.num_layers -= static_cast<std::int64_t>(model.cross_attention_layers.size());

    const LanguagePlace place = choose_place(model, blank);
    model.tensors = std::move(blank);
    const DecoderFaults faults =
        match_decoder(*identity_.decoder, model.language, model.cross_attention_layers, place, model.tensors);
    model.language.tie_word_embeddings = tied(faults, identity_, place, config_, text_, where_);
    DecoderFaults reported = faults;
    if (faults.head_missing && !model.language.tie_word_embeddings) reported.missing.push_back(place.head + ".weight");
    if (!reported.missing.empty() || !reported.contradictions.empty()) {
      throw_faults(reported, *identity_.decoder, config_, where_);
    }
    model.layout = place.layout;
    name_family(place, model);
    describe_towers(identity_, place, model);
    return model;
  }

 private:
  // The first place whose embedding is there; else one found by searching that has all tensors; else the first.
  LanguagePlace choose_place(const ModelDescription& model, const std::vector<TensorRole>& blank) const {
    std::vector<LanguagePlace> places = known_places(identity_);
    for (LanguagePlace& place : places) {
      if (index_of(blank, embedding_name(*identity_.decoder, place)) != blank.size()) return std::move(place);
    }
    for (LanguagePlace& place : found_places(*identity_.decoder, blank)) {
      std::vector<TensorRole> trial = blank;
      const DecoderFaults faults =
          match_decoder(*identity_.decoder, model.language, model.cross_attention_layers, place, trial);
      if (faults.missing.empty() && faults.contradictions.empty()) return std::move(place);
    }
    return std::move(places.front());
  }

  void name_family(const LanguagePlace& place, ModelDescription& model) const {
    model.multimodal = identity_.graft != nullptr;
    if (identity_.graft != nullptr) {
      model.family = identity_.graft->name;
      return;
    }
    if (!text_.nested) {
      model.family = identity_.decoder->name;
      const bool more = std::ranges::any_of(model.tensors, [](const TensorRole& tensor) {
        return tensor.part != Part::kLanguage && tensor.part != Part::kCrossAttention && !is_buffer(tensor);
      });
      if (more)
        model.notes.push_back(
            fmt::format("{} is a language model by its config, but the file has more tensors", where_));
      return;
    }
    model.family = "unknown";
    model.multimodal = true;
    model.notes.push_back(fmt::format(
        "{}: no family file describes '{}'; its {} language model was found under '{}', all else is taken as "
        "modality",
        where_, identity_.called, identity_.decoder->name, place.body));
  }

  const Identity& identity_;
  const Json& config_;
  const TextConfig& text_;
  std::string_view where_;
};

bool looks_multimodal(const Json& config) {
  return std::ranges::any_of(
      std::array{"vision_config", "audio_config", "mm_vision_tower", "vision_tower", "text_config"},
      [&](const char* key) { return config.contains(key); });
}

}  // namespace

ModelDescription describe(const Json& config, const std::vector<checkpoint::TensorInfo>& tensors,
                          std::string_view where) {
  if (!config.is_object()) throw CheckpointError(fmt::format("{}: config.json is not a JSON object", where));
  const TextConfig text = find_text_config(config, where);
  const Identity identity = identify(config, text, where);
  std::vector<TensorRole> blank = blank_roles(tensors);
  if (identity.decoder != nullptr) return KnownDecoder(identity, config, text, where).describe(std::move(blank));

  ModelDescription model;
  model.family = identity.graft != nullptr ? identity.graft->name : "unknown";
  model.layout = "unknown";
  model.language.family = "unknown";
  model.language.raw = *text.object;
  model.language.tie_word_embeddings = flag_member(*text.object, "tie_word_embeddings", where).value_or(false) ||
                                       flag_member(config, "tie_word_embeddings", where).value_or(false);
  model.multimodal = identity.graft != nullptr || looks_multimodal(config);
  model.tensors = std::move(blank);
  guess_roles(model.multimodal, model.tensors);
  model.notes.push_back(fmt::format(
      "{}: no family file describes the language model of '{}'; tensors are told by the ends of their names and "
      "their shapes",
      where, identity.called.empty() ? "a config without model_type and architectures" : identity.called));
  return model;
}

}  // namespace cambium::family
