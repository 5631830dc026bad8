#include "model/graft/graft_tower.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "checkpoint/model_folder.h"
#include "checkpoint/processor_files.h"
#include "family/model_description.h"
#include "media/mel_spectrogram.h"
#include "tensor/error.h"

namespace cambium::model {
namespace {

using checkpoint::Json;
using checkpoint::ModelFolder;

std::int64_t number(const Json& config, const char* key, std::int64_t fallback) {
  const auto found = config.find(key);
  return found != config.end() && found->is_number_integer() ? found->get<std::int64_t>() : fallback;
}

bool is_siglip(const Json& vision) { return vision.value("model_type", "").starts_with("siglip"); }

Json fresh_config(const GraftPart& part) {
  const FreshTower& tower = part.fresh;
  Json config{{"model_type", tower.siglip ? "siglip_vision_model" : "clip_vision_model"},
              {"hidden_size", tower.hidden_size},
              {"intermediate_size", tower.intermediate_size},
              {"num_hidden_layers", tower.num_layers},
              {"num_attention_heads", tower.num_heads},
              {"num_channels", part.modality == Modality::kAudio ? 1 : 3},
              {"layer_norm_eps", tower.siglip ? 1e-6 : 1e-5},
              {"hidden_act", !tower.activation.empty() ? tower.activation
                             : tower.siglip            ? "gelu_pytorch_tanh"
                                                       : "quick_gelu"},
              {"attention_dropout", 0.0}};
  if (part.modality == Modality::kAudio) {
    const SoundPicture sound = part.sound.value_or(SoundPicture{});
    config["image_size"] = {sound.mels, sound.seconds * sound.sample_rate / 160};
  } else {
    config["image_size"] = tower.image_size;
  }
  if (tower.patch_height == tower.patch_width) {
    config["patch_size"] = tower.patch_height;
  } else {
    config["patch_size"] = {tower.patch_height, tower.patch_width};
  }
  if (tower.siglip) config["vision_use_head"] = false;
  if (!tower.siglip) config["projection_dim"] = tower.hidden_size;
  return config;
}

std::vector<GraftTensor> fresh_tower(const Json& config, const std::string& prefix) {
  std::vector<GraftTensor> out;
  const bool siglip = is_siglip(config);
  const std::int64_t width = config["hidden_size"], inner = config["intermediate_size"];
  const std::int64_t layers = config["num_hidden_layers"], channels = config["num_channels"];
  const auto side = [&](const char* key, std::size_t which) {
    const Json& value = config[key];
    return value.is_array() ? value[which].get<std::int64_t>() : value.get<std::int64_t>();
  };
  const std::int64_t patch_height = side("patch_size", 0), patch_width = side("patch_size", 1);
  const std::int64_t patches = (side("image_size", 0) / patch_height) * (side("image_size", 1) / patch_width);
  const auto matrix = [&](const std::string& name, Shape shape, double deviation) {
    out.push_back({.name = prefix + name, .shape = std::move(shape), .source_name = {}, .deviation = deviation});
  };
  const auto constant = [&](const std::string& name, std::int64_t size, float value) {
    out.push_back({.name = prefix + name, .shape = {size}, .source_name = {}, .constant = value});
  };
  const auto norm = [&](const std::string& name) {
    constant(name + ".weight", width, 1);
    constant(name + ".bias", width, 0);
  };
  const auto inverse_root = [](std::int64_t count) { return 1 / std::sqrt(static_cast<double>(count)); };
  if (!siglip) matrix("embeddings.class_embedding", {width}, inverse_root(width));
  matrix("embeddings.patch_embedding.weight", {width, channels, patch_height, patch_width},
         inverse_root(channels * patch_height * patch_width));
  if (siglip) constant("embeddings.patch_embedding.bias", width, 0);
  matrix("embeddings.position_embedding.weight", {patches + (siglip ? 0 : 1), width}, inverse_root(width));
  if (!siglip) norm("pre_layrnorm");
  for (std::int64_t i = 0; i < layers; ++i) {
    const std::string start = fmt::format("encoder.layers.{}.", i);
    const auto linear = [&](const std::string& name, std::int64_t rows, std::int64_t columns, double scale) {
      matrix(start + name + ".weight", {rows, columns}, scale * inverse_root(columns));
      constant(start + name + ".bias", rows, 0);
    };
    norm(start + "layer_norm1");
    norm(start + "layer_norm2");
    for (const char* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}) linear(name, width, width, 1);
    linear("self_attn.out_proj", width, width, inverse_root(2 * layers));
    linear("mlp.fc1", inner, width, 1);
    linear("mlp.fc2", width, inner, inverse_root(2 * layers));
  }
  norm("post_layernorm");
  return out;
}

// A checkpoint that a tower or a projector is taken from.
class Donor {
 public:
  Donor(const std::string& model, Modality modality, std::vector<std::unique_ptr<checkpoint::WeightSource>>& keep)
      : modality_(modality) {
    auto folder = std::make_unique<ModelFolder>(ModelFolder::open(model));
    folder_ = folder.get();
    keep.push_back(std::move(folder));
    const Json& config = folder_->config();
    if (config.contains("text_config") && !config.value("model_type", "").starts_with("clip") &&
        !config.value("model_type", "").starts_with("siglip")) {
      description_ = family::describe(config, folder_->tensors(), folder_->label());
    }
  }

  [[nodiscard]] const ModelFolder& folder() const { return *folder_; }
  // The object with this modality's fields: of Cambium's form, or of LLaVA's.
  [[nodiscard]] const Json& fields() const {
    const Json& config = folder_->config();
    const std::string name(names_of(modality_).name);
    if (config.contains("modalities") && config["modalities"].contains(name)) return config["modalities"][name];
    return config;
  }

  // Tensors under the canonical prefix of this modality, or else of LLaVA's; (name behind the prefix, tensor's name).
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> described(std::string_view own,
                                                                           std::string_view llava) const {
    std::vector<std::pair<std::string, std::string>> out;
    if (!description_) return out;
    for (const std::string_view prefix : {own, llava}) {
      for (const family::TensorRole& role : description_->tensors) {
        if (role.canonical.starts_with(prefix) && role.part != family::Part::kLanguage)
          out.emplace_back(role.canonical.substr(prefix.size()), role.name);
      }
      if (!out.empty()) return out;
    }
    return out;
  }

  // A vision model alone, or inside of CLIP or SigLIP: everything under the prefix of its patch embedding.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> bare_tower() const {
    constexpr std::string_view kMark = "embeddings.patch_embedding.weight";
    std::vector<std::pair<std::string, std::string>> out;
    for (const checkpoint::TensorInfo& info : folder_->tensors()) {
      if (!info.name.ends_with(kMark)) continue;
      const std::string prefix = info.name.substr(0, info.name.size() - kMark.size());
      for (const checkpoint::TensorInfo& each : folder_->tensors()) {
        const bool whole = each.name.starts_with(prefix) &&
                           (!prefix.empty() || each.name.starts_with("embeddings.") ||
                            each.name.starts_with("encoder.") || each.name.starts_with("pre_layrnorm.") ||
                            each.name.starts_with("post_layernorm.") || each.name.starts_with("head."));
        if (whole) out.emplace_back(each.name.substr(prefix.size()), each.name);
      }
      break;
    }
    return out;
  }

  [[nodiscard]] GraftTensor tensor(const std::string& prefix, const std::pair<std::string, std::string>& from) const {
    const checkpoint::TensorInfo& info = *folder_->find(from.second);
    return {.name = prefix + from.first, .shape = info.shape, .source = folder_, .source_name = from.second};
  }

 private:
  Modality modality_;
  const ModelFolder* folder_ = nullptr;
  std::optional<family::ModelDescription> description_;
};

Json donated_config(const Donor& donor) {
  const Json& fields = donor.fields();
  const Json& vision = fields.contains("vision_config") ? fields["vision_config"] : donor.folder().config();
  Json config = vision;
  for (const char* key : {"architectures", "transformers_version", "torch_dtype", "dtype", "_name_or_path"})
    config.erase(key);
  const std::string kind = config.value("model_type", "");
  if (kind != "clip_vision_model" && kind != "siglip_vision_model") {
    throw CheckpointError(fmt::format(
        "{}: its tower is of model_type '{}'; towers of clip_vision_model and siglip_vision_model can be grafted",
        donor.folder().label(), kind));
  }
  return config;
}

Json image_processor_for(const Json& vision) {
  const bool siglip = is_siglip(vision);
  const std::int64_t size = number(vision, "image_size", 224);
  const Json square{{"height", size}, {"width", size}};
  Json out{{"image_processor_type", siglip ? "SiglipImageProcessor" : "CLIPImageProcessor"},
           {"do_convert_rgb", true},
           {"do_resize", true},
           {"size", siglip ? square : Json{{"shortest_edge", size}}},
           {"resample", 3},
           {"do_center_crop", !siglip}};
  if (!siglip) out["crop_size"] = square;
  out["do_rescale"] = true;
  out["rescale_factor"] = 1.0 / 255.0;
  out["do_normalize"] = true;
  const Json half{0.5, 0.5, 0.5};
  out["image_mean"] = siglip ? half : Json{0.48145466, 0.4578275, 0.40821073};
  out["image_std"] = siglip ? half : Json{0.26862954, 0.26130258, 0.27577711};
  return out;
}

Json sound_processor(const SoundPicture& sound) {
  return {{"feature_extractor_type", "WhisperFeatureExtractor"},
          {"feature_size", sound.mels},
          {"sampling_rate", sound.sample_rate},
          {"hop_length", 160},
          {"n_fft", 400},
          {"chunk_length", sound.seconds},
          {"padding_value", 0.0}};
}

// The donor's own processor where it says what the tower was trained on.
Json processor_for(const GraftPart& part, const Json& vision, const Donor* donor) {
  checkpoint::ProcessorFiles files;
  if (donor != nullptr) files = checkpoint::read_processor_files(donor->folder().path());
  if (part.modality == Modality::kAudio) {
    const Json out =
        files.sound && !part.sound ? files.sound->settings : sound_processor(part.sound.value_or(SoundPicture{}));
    const auto made = media::MelSpectrogram::from_config(out, "feature_extractor");
    const Json size = vision.value("image_size", Json());
    if (size != Json{made.mels, made.frames()}) {
      throw CheckpointError(fmt::format(
          "the audio tower takes pictures of {}, but sounds come as {} mels x {} frames; state the mels and "
          "seconds that it was made for",
          size.dump(), made.mels, made.frames()));
    }
    return out;
  }
  Json out = image_processor_for(vision);
  const auto& own = part.modality == Modality::kVideo && files.video ? files.video : files.image;
  if (own) out = own->settings;
  out.erase("processor_class");
  if (part.modality == Modality::kVideo) {
    out["video_processor_type"] = "CambiumVideoProcessor";
    out["num_frames"] = part.num_frames.value_or(8);
  }
  return out;
}

}  // namespace

PreparedPart prepare_part(const GraftPart& part, std::int64_t hidden_size, double embedding_size) {
  PreparedPart out;
  out.part = part;
  const ModalityNames& names = names_of(part.modality);
  const std::string tower_prefix(names.tower), projector_prefix(names.projector);
  const ModalityNames& llava = names_of(Modality::kImage);

  std::optional<Donor> tower_donor, projector_donor;
  Json vision;
  if (part.tower_checkpoint.empty()) {
    vision = fresh_config(part);
    out.tower = fresh_tower(vision, tower_prefix);
  } else {
    tower_donor.emplace(part.tower_checkpoint, part.modality, out.opened);
    vision = donated_config(*tower_donor);
    auto found = tower_donor->described(names.tower, llava.tower);
    if (found.empty()) found = tower_donor->bare_tower();
    for (const auto& each : found) {
      if (!each.first.ends_with("position_ids")) out.tower.push_back(tower_donor->tensor(tower_prefix, each));
    }
    if (out.tower.empty())
      throw CheckpointError(fmt::format("{}: no vision tower in it", tower_donor->folder().label()));
  }
  // What the graft file leaves open: as the projector was trained, else defaults.
  if (!part.projector_checkpoint.empty()) projector_donor.emplace(part.projector_checkpoint, part.modality, out.opened);
  const Json nothing = Json::object();
  const Json& trained = projector_donor ? projector_donor->fields() : nothing;
  if (part.modality == Modality::kVideo) {
    out.part.num_frames = part.num_frames.value_or(number(trained, "num_frames", 8));
    const std::string pooling = trained.value("pooling", "none");
    out.part.pooling = part.pooling.value_or(pooling == "frames"    ? Pooling::kFrames
                                             : pooling == "patches" ? Pooling::kPatches
                                                                    : Pooling::kNone);
  }
  out.processor = processor_for(out.part, vision, tower_donor ? &*tower_donor : nullptr);
  Json& config = out.config;
  config["vision_config"] = vision;
  config["vision_feature_layer"] = part.tower_checkpoint.empty() ? -1 : -2;
  if (trained.contains("vision_feature_layer")) config["vision_feature_layer"] = trained["vision_feature_layer"];
  if (part.feature_layers.size() == 1) config["vision_feature_layer"] = part.feature_layers.front();
  if (part.feature_layers.size() > 1) config["vision_feature_layer"] = part.feature_layers;
  config["vision_feature_select_strategy"] =
      part.select.value_or(trained.value("vision_feature_select_strategy", is_siglip(vision) ? "full" : "default"));
  config["projector_hidden_act"] = part.activation.value_or(trained.value("projector_hidden_act", "gelu"));

  bool bias = part.bias.value_or(true);
  if (projector_donor) {
    for (const auto& each : projector_donor->described(names.projector, llava.projector))
      out.projector.push_back(projector_donor->tensor(projector_prefix, each));
    if (out.projector.empty())
      throw CheckpointError(fmt::format("{}: no projector in it", projector_donor->folder().label()));
    bias = std::ranges::any_of(out.projector, [](const GraftTensor& each) { return each.name.ends_with(".bias"); });
  } else {
    const auto chosen = static_cast<std::int64_t>(std::max<std::size_t>(1, part.feature_layers.size()));
    const std::int64_t inputs = number(vision, "hidden_size", 768) * chosen;
    // GELU of standard normal values has a root mean square of 0.65.
    const double second = embedding_size / (0.65 * std::sqrt(static_cast<double>(hidden_size)));
    const auto linear = [&](const char* name, std::int64_t columns, double deviation) {
      out.projector.push_back({.name = projector_prefix + name + ".weight",
                               .shape = {hidden_size, columns},
                               .source_name = {},
                               .deviation = deviation});
      if (bias)
        out.projector.push_back({.name = projector_prefix + name + ".bias", .shape = {hidden_size}, .source_name = {}});
    };
    linear("linear_1", inputs, 1 / std::sqrt(static_cast<double>(inputs)));
    linear("linear_2", hidden_size, second);
  }
  config["multimodal_projector_bias"] = bias;
  std::ranges::sort(out.tower, {}, &GraftTensor::name);
  std::ranges::sort(out.projector, {}, &GraftTensor::name);
  return out;
}

}  // namespace cambium::model
