#include "tune/lora.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/ops/mm.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/json.h"
#include "merge/adapter_target.h"
#include "merge/lora_adapter.h"
#include "model/decoder_weights.h"
#include "model/tensor_file.h"
#include "tensor/error.h"
#include "text/jinja_nearest.h"

namespace cambium::tune {

namespace {

using family::Part;
using family::Role;
using family::TensorRole;

// "model.layers.0.self_attn.q_proj" in transformers' model, which PEFT's names go by; the file's names may be another
// layout.
std::string module_path(const family::ModelDescription& description, const TensorRole& role) {
  std::string path = role.name.substr(0, role.name.size() - std::string_view(".weight").size());
  if (description.multimodal) {
    const std::string canonical = role.canonical.substr(0, role.canonical.size() - std::string_view(".weight").size());
    if (role.part == Part::kLanguage)
      return role.role == Role::kLmHead ? "lm_head" : "model.language_model." + canonical;
    return "model." + canonical;
  }
  if (path.starts_with("h.")) return "transformer." + path;
  if (path.starts_with("layers.")) return "model." + path;
  return path;
}

bool is_projection(const TensorRole& role) {
  if (role.bias || role.shape.size() != 2 || !role.name.ends_with(".weight")) return false;
  return role.role != Role::kEmbedding && role.role != Role::kPositionEmbedding && role.role != Role::kOther &&
         role.role != Role::kBuffer && role.name.find("embedding") == std::string::npos;
}

std::string_view last_word(std::string_view path) { return path.substr(path.rfind('.') + 1); }

bool fits(std::string_view module, const TensorRole& role, const std::string& target) {
  if (target == "all-linear") return role.part == Part::kLanguage && role.role != Role::kLmHead;
  return module == target || (module.ends_with(target) && module[module.size() - target.size() - 1] == '.');
}

TensorRole adapter_role(const TensorRole& target, std::string name, std::int64_t rows, std::int64_t columns) {
  TensorRole role;
  role.name = std::move(name);
  role.shape = {rows, columns};
  role.part = target.part;
  role.layer = target.layer;
  return role;
}

}  // namespace

LoraAdapters::LoraAdapters(const family::ModelDescription& description, const LoraOptions& options,
                           at::ScalarType dtype, const ParameterSet::RuleFor& rule)
    : options_(options) {
  std::unique_ptr<merge::LoraAdapter> initial;
  if (!options_.init.empty()) {
    initial = std::make_unique<merge::LoraAdapter>(merge::LoraAdapter::open(options_.init));
    std::set<std::string> ends;
    for (const merge::LoraModule& module : initial->modules()) ends.emplace(last_word(module.path));
    if (options_.targets.empty()) options_.targets.assign(ends.begin(), ends.end());
    const checkpoint::Json config = checkpoint::read_json(initial->folder().path() / "adapter_config.json");
    options_.rank = config.value("r", options_.rank);
    options_.alpha = config.value("lora_alpha", options_.alpha);
    options_.rank_stabilized = config.value("use_rslora", options_.rank_stabilized);
  }
  if (options_.targets.empty()) options_.targets = {"all-linear"};
  if (options_.rank < 1) throw UsageError(fmt::format("lora.rank is {}, expected 1 or more", options_.rank));
  std::vector<TensorRole> roles;
  std::set<std::string> known;
  std::vector<bool> used(options_.targets.size(), false);
  for (const TensorRole& role : description.tensors) {
    if (!is_projection(role)) continue;
    const std::string module = module_path(description, role);
    known.emplace(last_word(module));
    bool wanted = false;
    for (std::size_t i = 0; i < options_.targets.size(); ++i) {
      if (!fits(module, role, options_.targets[i])) continue;
      wanted = true;
      used[i] = true;
    }
    if (!wanted) continue;
    if (role.part != Part::kLanguage || role.role == Role::kLmHead) {
      throw UsageError(
          fmt::format("lora.targets: '{}' is not a projection of the language model's layers; adapters go "
                      "there only (train the part itself instead)",
                      module));
    }
    const std::int64_t out = role.shape[role.transposed ? 1 : 0], in = role.shape[role.transposed ? 0 : 1];
    fan_in_fan_out_ = fan_in_fan_out_ || role.transposed;
    const double divisor =
        options_.rank_stabilized ? std::sqrt(static_cast<double>(options_.rank)) : static_cast<double>(options_.rank);
    roles.push_back(adapter_role(role, module + ".lora_A.weight", options_.rank, in));
    roles.push_back(adapter_role(role, module + ".lora_B.weight", out, options_.rank));
    pairs_.push_back({&role, module, nullptr, nullptr, options_.alpha / divisor});
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i]) continue;
    const std::vector<std::string_view> names(known.begin(), known.end());
    throw UsageError(fmt::format("lora.targets: '{}' matches no projection of the model.{} There are: {}",
                                 options_.targets[i], text::jinja::nearest_names(options_.targets[i], names),
                                 fmt::join(names, ", ")));
  }
  parameters_ = std::make_unique<ParameterSet>(std::move(roles), dtype, rule);
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(options_.seed);
  for (LoraPair& pair : pairs_) {
    pair.a = parameters_->find(pair.module + ".lora_A.weight");
    pair.b = parameters_->find(pair.module + ".lora_B.weight");
    // PEFT's choice (Kaiming's uniform with a = sqrt 5): within 1 / sqrt(inputs); B stays zero.
    const double bound = 1.0 / std::sqrt(static_cast<double>(pair.a->value.size(1)));
    pair.a->value.detach().uniform_(-bound, bound, generator);
  }
  if (initial == nullptr) return;
  std::size_t found = 0;
  for (const merge::LoraModule& module : initial->modules()) {
    const merge::AdapterTarget target = merge::find_adapter_target(description, module.path + ".weight");
    const auto pair = std::ranges::find_if(pairs_, [&](const LoraPair& one) { return one.target == target.tensor; });
    if (pair == pairs_.end() || target.rows.has_value() || module.embedding) {
      throw CheckpointError(
          fmt::format("{}: the adapter of '{}' has no place among lora.targets ({}); leave targets "
                      "out to take the adapter's own",
                      options_.init, module.path, fmt::join(options_.targets, ", ")));
    }
    pair->a->value.detach().copy_(model::load_tensor(initial->folder(), module.a->name, dtype));
    pair->b->value.detach().copy_(model::load_tensor(initial->folder(), module.b->name, dtype));
    pair->scale = module.scale;
    ++found;
  }
  if (found != pairs_.size()) {
    throw CheckpointError(fmt::format("{}: the adapter has {} of the {} modules that lora.targets ({}) names",
                                      options_.init, found, pairs_.size(), fmt::join(options_.targets, ", ")));
  }
}

const LoraPair* LoraAdapters::find(std::string_view tensor) const {
  const auto found = std::ranges::find_if(pairs_, [&](const LoraPair& pair) { return pair.target->name == tensor; });
  return found == pairs_.end() ? nullptr : &*found;
}

void LoraAdapters::save(const std::filesystem::path& folder, const std::string& base_model) const {
  std::filesystem::create_directories(folder);
  std::set<std::string> targets;
  model::TensorMap tensors;
  for (const LoraPair& pair : pairs_) {
    targets.emplace(last_word(pair.module));
    tensors["base_model.model." + pair.a->role.name] = pair.a->value.detach().to(at::kFloat).contiguous();
    tensors["base_model.model." + pair.b->role.name] = pair.b->value.detach().to(at::kFloat).contiguous();
  }
  const checkpoint::Json config{{"base_model_name_or_path", base_model},
                                {"bias", "none"},
                                {"fan_in_fan_out", fan_in_fan_out_},
                                {"inference_mode", true},
                                {"init_lora_weights", true},
                                {"lora_alpha", options_.alpha},
                                {"lora_dropout", options_.dropout},
                                {"peft_type", "LORA"},
                                {"r", options_.rank},
                                {"target_modules", targets},
                                {"task_type", "CAUSAL_LM"},
                                {"use_dora", false},
                                {"use_rslora", options_.rank_stabilized}};
  model::write_tensor_file(folder / "adapter_model.safetensors", tensors);
  checkpoint::write_file_atomically(folder / "adapter_config.json", config.dump(2) + "\n");
}

at::Tensor LoraAdapters::merged(const at::Tensor& weight, const LoraPair& pair) {
  const at::Tensor a = pair.a->value.detach().to(at::kFloat), b = pair.b->value.detach().to(at::kFloat);
  const at::Tensor product = at::mm(b, a) * pair.scale;
  const at::Tensor wide = weight.detach().to(at::kFloat);
  return (wide + (pair.target->transposed ? product.t() : product)).to(weight.scalar_type());
}

}  // namespace cambium::tune
