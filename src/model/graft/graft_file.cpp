#include "model/graft/graft_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "checkpoint/text_file.h"
#include "merge/recipe_yaml.h"
#include "tensor/error.h"

namespace cambium::model {
namespace {

using merge::RecipeYaml;
using Item = RecipeYaml::Item;

class Reader {
 public:
  explicit Reader(RecipeYaml& yaml) : yaml_(yaml) {}

  GraftFile read(const YAML::Node& root) {
    static constexpr std::array<std::string_view, 6> kKeys{"language", "seed", "dtype", "image", "video", "audio"};
    GraftFile file;
    file.where = yaml_.where();
    for (const Item& item : yaml_.items(root, "a graft file")) {
      const auto modality =
          std::ranges::find_if(kModalities, [&](Modality each) { return names_of(each).name == item.key; });
      if (item.key == "language") {
        file.language = yaml_.word(item.value, "language");
      } else if (item.key == "seed") {
        file.seed = static_cast<std::uint64_t>(whole(item, 0, INT64_MAX));
      } else if (item.key == "dtype") {
        file.dtype = one_of(item, {"float32", "bfloat16", "float16"});
      } else if (modality != kModalities.end()) {
        file.parts.push_back(part(item, *modality));
      } else {
        yaml_.refuse_key(item, "a graft file", kKeys);
      }
    }
    if (file.language.empty()) yaml_.refuse(root, "'language' is missing: the model to graft on");
    if (file.parts.empty()) yaml_.refuse(root, "nothing to graft: give image, video or audio");
    std::ranges::sort(file.parts, {}, &GraftPart::modality);
    return file;
  }

 private:
  std::int64_t whole(const Item& item, std::int64_t least, std::int64_t most) {
    const std::int64_t value = yaml_.integer(item.value, item.key);
    if (value < least || value > most)
      yaml_.refuse(item.value, fmt::format("{} is {}, expected {} to {}", item.key, value, least, most));
    return value;
  }

  std::string one_of(const Item& item, const std::vector<std::string_view>& known) {
    const std::string word = yaml_.word(item.value, item.key);
    if (std::ranges::find(known, word) == known.end())
      yaml_.refuse(item.value, fmt::format("{} is '{}', expected {}", item.key, word, fmt::join(known, ", ")));
    return word;
  }

  std::vector<std::int64_t> numbers(const Item& item, std::int64_t least, std::int64_t most) {
    std::vector<std::int64_t> values;
    if (!item.value.IsSequence()) return {whole(item, least, most)};
    for (const YAML::Node& node : yaml_.list(item.value, item.key))
      values.push_back(whole({item.key, item.key_node, node}, least, most));
    return values;
  }

  FreshTower tower(const Item& tower_item, Modality modality, std::string& checkpoint) {
    static constexpr std::array<std::string_view, 9> kKeys{"checkpoint",        "kind",       "hidden_size",
                                                           "intermediate_size", "layers",     "heads",
                                                           "image_size",        "patch_size", "activation"};
    FreshTower fresh;
    bool sizes = false;
    for (const Item& item : yaml_.items(tower_item.value, "tower")) {
      sizes = sizes || item.key != "checkpoint";
      if (item.key == "checkpoint") {
        checkpoint = yaml_.word(item.value, "checkpoint");
      } else if (item.key == "kind") {
        fresh.siglip = one_of(item, {"clip", "siglip"}) == "siglip";
      } else if (item.key == "hidden_size") {
        fresh.hidden_size = whole(item, 1, 65536);
      } else if (item.key == "intermediate_size") {
        fresh.intermediate_size = whole(item, 1, 1 << 20);
      } else if (item.key == "layers") {
        fresh.num_layers = whole(item, 1, 1000);
      } else if (item.key == "heads") {
        fresh.num_heads = whole(item, 1, 1024);
      } else if (item.key == "image_size") {
        fresh.image_size = whole(item, 1, 16384);
      } else if (item.key == "patch_size") {
        const std::vector<std::int64_t> patch = numbers(item, 1, 16384);
        if (patch.size() > 2) yaml_.refuse(item.value, "patch_size must be a number, or [height, width]");
        fresh.patch_height = patch.front();
        fresh.patch_width = patch.back();
      } else if (item.key == "activation") {
        fresh.activation = one_of(item, {"quick_gelu", "gelu", "gelu_pytorch_tanh", "relu", "silu"});
      } else {
        yaml_.refuse_key(item, "tower", kKeys);
      }
    }
    if (!checkpoint.empty()) {
      if (sizes) yaml_.refuse(tower_item.value, "a tower has either a checkpoint or sizes of its own");
      return fresh;
    }
    const auto need = [&](std::int64_t value, const char* key) {
      if (value == 0) yaml_.refuse(tower_item.value, fmt::format("a tower without checkpoint needs {}", key));
    };
    need(fresh.hidden_size, "hidden_size");
    need(fresh.num_layers, "layers");
    need(fresh.num_heads, "heads");
    need(fresh.patch_height, "patch_size");
    if (modality != Modality::kAudio) need(fresh.image_size, "image_size");
    if (modality == Modality::kAudio && fresh.image_size != 0)
      yaml_.refuse(tower_item.value, "the size of a sound's picture is mels x frames; leave image_size out");
    if (fresh.hidden_size % fresh.num_heads != 0)
      yaml_.refuse(tower_item.value,
                   fmt::format("hidden_size {} does not divide into {} heads", fresh.hidden_size, fresh.num_heads));
    if (fresh.intermediate_size == 0) fresh.intermediate_size = 4 * fresh.hidden_size;
    return fresh;
  }

  void projector(const Item& projector_item, GraftPart& out) {
    static constexpr std::array<std::string_view, 3> kKeys{"checkpoint", "activation", "bias"};
    for (const Item& item : yaml_.items(projector_item.value, "projector")) {
      if (item.key == "checkpoint") {
        out.projector_checkpoint = yaml_.word(item.value, "checkpoint");
      } else if (item.key == "activation") {
        out.activation = one_of(item, {"gelu", "gelu_pytorch_tanh", "quick_gelu", "relu", "silu"});
      } else if (item.key == "bias") {
        out.bias = yaml_.switch_value(item.value, "bias");
      } else {
        yaml_.refuse_key(item, "projector", kKeys);
      }
    }
  }

  bool of_clips(const Item& item, GraftPart& out) {
    if (item.key == "frames") {
      out.num_frames = whole(item, 1, 4096);
    } else if (item.key == "pooling") {
      const std::string word = one_of(item, {"none", "frames", "patches"});
      out.pooling = word == "none" ? Pooling::kNone : word == "frames" ? Pooling::kFrames : Pooling::kPatches;
    } else {
      return false;
    }
    return true;
  }

  bool of_sounds(const Item& item, GraftPart& out) {
    SoundPicture sound = out.sound.value_or(SoundPicture{});
    if (item.key == "mels") {
      sound.mels = whole(item, 1, 1024);
    } else if (item.key == "seconds") {
      sound.seconds = whole(item, 1, 600);
    } else if (item.key == "sample_rate") {
      sound.sample_rate = whole(item, 1000, 192000);
    } else {
      return false;
    }
    out.sound = sound;
    return true;
  }

  GraftPart part(const Item& part_item, Modality modality) {
    std::vector<std::string_view> keys{"tower", "projector", "feature_layer", "select", "token"};
    if (modality == Modality::kVideo) keys.insert(keys.end(), {"frames", "pooling"});
    if (modality == Modality::kAudio) keys.insert(keys.end(), {"mels", "seconds", "sample_rate"});
    GraftPart out;
    out.modality = modality;
    out.token = names_of(modality).placeholder;
    bool has_tower = false;
    for (const Item& item : yaml_.items(part_item.value, part_item.key)) {
      if (item.key == "tower") {
        out.fresh = tower(item, modality, out.tower_checkpoint);
        has_tower = true;
      } else if (item.key == "projector") {
        projector(item, out);
      } else if (item.key == "feature_layer") {
        out.feature_layers = numbers(item, -1000, 1000);
      } else if (item.key == "select") {
        out.select = one_of(item, {"default", "full"});
      } else if (item.key == "token") {
        out.token = yaml_.word(item.value, "token");
        if (out.token.empty()) yaml_.refuse(item.value, "the token is empty");
      } else if (modality == Modality::kVideo && of_clips(item, out)) {
        continue;
      } else if (modality == Modality::kAudio && of_sounds(item, out)) {
        continue;
      } else {
        yaml_.refuse_key(item, part_item.key, keys);
      }
    }
    if (!has_tower) yaml_.refuse(part_item.value, fmt::format("{} has no tower", part_item.key));
    return out;
  }

  RecipeYaml& yaml_;
};

}  // namespace

GraftFile parse_graft(std::string_view text, std::string_view where) {
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    RecipeYaml yaml(where);
    return Reader(yaml).read(root);
  } catch (const YAML::Exception& error) {
    const std::string line = error.mark.line >= 0 ? fmt::format(" line {}", error.mark.line + 1) : std::string();
    throw RecipeError(fmt::format("{}{}: not valid YAML: {}", where, line, error.msg));
  }
}

GraftFile read_graft(const std::filesystem::path& file) {
  return parse_graft(checkpoint::read_text(file), file.string());
}

}  // namespace cambium::model
