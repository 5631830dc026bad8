#include "merge/lora_adapter.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "checkpoint/foreign_text.h"
#include "merge/lora_settings.h"
#include "tensor/error.h"

namespace cambium::merge {

namespace fs = std::filesystem;
using checkpoint::quote_foreign;
using checkpoint::TensorInfo;

namespace {

constexpr const char* kConfigFile = "adapter_config.json";

// Removes the first `part` of the path, dots and all: "a.modules_to_save.default.weight" -> "a.weight".
std::string without(std::string text, std::string_view part) {
  const std::size_t at = text.find(part);
  return at == std::string::npos ? text : text.erase(at, part.size());
}

struct ModuleName {
  std::string path;
  char matrix = 0;  // 'A' or 'B'
  bool embedding = false;
};

// "model.layers.0.q_proj.lora_A.weight", also with the adapter's name ("lora_A.default.weight"), "x.lora_embedding_A".
std::optional<ModuleName> module_name(const std::string& name) {
  for (const std::string_view word : {".lora_embedding_", ".lora_"}) {
    const std::size_t at = name.rfind(word);
    if (at == std::string::npos || at + word.size() >= name.size()) continue;
    const char matrix = name[at + word.size()];
    const std::string_view rest = std::string_view(name).substr(at + word.size() + 1);
    const bool embedding = word == ".lora_embedding_";
    if ((matrix != 'A' && matrix != 'B') || (!rest.empty() && rest.front() != '.') ||
        (!embedding && !rest.ends_with(".weight"))) {
      return std::nullopt;
    }
    return ModuleName{.path = name.substr(0, at), .matrix = matrix, .embedding = embedding};
  }
  return std::nullopt;
}

checkpoint::ModelFolder open_folder(const fs::path& folder) {
  std::error_code ignored;
  if (fs::is_directory(folder, ignored) && !fs::exists(folder / kConfigFile)) {
    throw CheckpointError(fmt::format("{}: there is no {}; this is not a PEFT adapter", folder.string(), kConfigFile));
  }
  return checkpoint::ModelFolder(folder, {.require_config = false, .require_weights = true});
}

}  // namespace

LoraAdapter::LoraAdapter(const fs::path& folder) : folder_(open_folder(folder)), label_(folder.string()) {
  const std::string where = (folder / kConfigFile).string();
  const LoraSettings settings = LoraSettings::parse(checkpoint::read_json(folder / kConfigFile), where);
  base_model_ = settings.base_model;
  fan_in_fan_out_ = settings.fan_in_fan_out;
  read_tensors();
  for (LoraModule& module : modules_) {
    module.rank = module.a == nullptr || module.a->shape.empty() ? 0 : module.a->shape.front();
    check_module(module);
    if (const std::int64_t told = settings.rank_of(module.path); told != module.rank) {
      throw CheckpointError(fmt::format("{}: module {} has rank {}, but {} says {}", label_, quote_foreign(module.path),
                                        module.rank, kConfigFile, told));
    }
    module.scale = settings.scale_of(module.path, module.rank);
  }
}

LoraAdapter LoraAdapter::open(std::string_view name) {
  LoraAdapter adapter(checkpoint::resolve_model(name));
  adapter.label_ = name;
  return adapter;
}

bool LoraAdapter::is_adapter(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / kConfigFile, ignored) && !fs::exists(folder / "config.json", ignored);
}

void LoraAdapter::read_tensors() {
  std::map<std::string, LoraModule> modules;
  for (const TensorInfo& tensor : folder_.tensors()) {
    const auto refuse = [&](std::string_view why) {
      throw CheckpointError(fmt::format("{}: tensor {} {}", label_, quote_foreign(tensor.name), why));
    };
    if (!is_mergeable(tensor.dtype))
      refuse(fmt::format("is {}, expected F16, BF16, F32 or F64", name_of(tensor.dtype)));
    if (tensor.name.find("lora_magnitude_vector") != std::string::npos)
      refuse("belongs to DoRA; merge the adapter with PEFT first");
    std::string path = tensor.name;
    for (const std::string_view prefix : {"base_model.", "model."}) {
      if (path.starts_with(prefix) && tensor.name.starts_with("base_model.")) path.erase(0, prefix.size());
    }
    if (const std::optional<ModuleName> name = module_name(path)) {
      LoraModule& module = modules[name->path];
      module.path = name->path;
      const TensorInfo*& matrix = name->matrix == 'A' ? module.a : module.b;
      if (matrix != nullptr) refuse("is the second of its kind for its module");
      matrix = &tensor;
      module.embedding = name->embedding;
      continue;
    }
    path = without(without(without(std::move(path), ".modules_to_save.default"), ".modules_to_save"), ".base_layer");
    if (path.find("lora_") != std::string::npos || path.find("trainable_tokens") != std::string::npos ||
        !(path.ends_with(".weight") || path.ends_with(".bias"))) {
      refuse("is of a kind that is not known; merge the adapter with PEFT first");
    }
    saved_.push_back({.path = std::move(path), .tensor = &tensor});
  }
  for (auto& [path, module] : modules) modules_.push_back(std::move(module));
}

void LoraAdapter::check_module(const LoraModule& module) const {
  const auto refuse = [&](const std::string& why) {
    throw CheckpointError(fmt::format("{}: module {} {}", label_, quote_foreign(module.path), why));
  };
  if (module.a == nullptr || module.b == nullptr)
    refuse(fmt::format("has no lora_{}", module.a == nullptr ? "A" : "B"));
  const Shape& a = module.a->shape;
  const Shape& b = module.b->shape;
  // A convolution's B is 1 x 1.
  const bool flat = a.size() >= 2 && b.size() >= 2 &&
                    std::all_of(b.begin() + 2, b.end(), [](std::int64_t size) { return size == 1; });
  if (!flat || b[1] != a[0] || numel(a) == 0 || numel(b) == 0) {
    refuse(fmt::format("has lora_A {} and lora_B {}, expected [rank, inputs] and [outputs, rank]", to_string(a),
                       to_string(b)));
  }
}

}  // namespace cambium::merge
