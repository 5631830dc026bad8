#include "tune/lora.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/ops/mm.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/json.h"
#include "merge/adapter_target.h"
#include "merge/lora_adapter.h"
#include "model/decoder_weights.h"
#include "model/tensor_file.h"
#include "tensor/error.h"
#include "text/jinja_nearest.h"
#include "text/python_regex.h"

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

// One entry of lora.targets, in the sense of PEFT's target_modules.
class Target {
 public:
  explicit Target(const std::string& text) : text_(text), all_(text == "all-linear") {
    if (text.find_first_of("*+?|()[]{}^$\\") == std::string::npos) return;
    try {
      pattern_.emplace(text);
    } catch (const ValueError& error) {
      throw UsageError(fmt::format("lora.targets: {}", error.what()));
    }
  }
  [[nodiscard]] bool fits(std::string_view module, const TensorRole& role) const {
    if (all_) return role.role != Role::kLmHead;
    if (pattern_.has_value()) return pattern_->match_all(module).has_value();
    return module == text_ || (module.ends_with(text_) && module[module.size() - text_.size() - 1] == '.');
  }

 private:
  std::string text_;
  bool all_;
  std::optional<text::PythonRegex> pattern_;
};

bool takes_adapter(const TensorRole& role) {
  return role.role != Role::kLmHead && (role.part == Part::kLanguage || role.part == Part::kVisionTower ||
                                        role.part == Part::kAudioTower || role.part == Part::kProjector);
}

// Where the modules of an adapter go.
std::map<const TensorRole*, const merge::LoraModule*> places(const merge::LoraAdapter& adapter,
                                                             const family::ModelDescription& description) {
  std::map<const TensorRole*, const merge::LoraModule*> found;
  for (const merge::LoraModule& module : adapter.modules()) {
    const merge::AdapterTarget target = merge::find_adapter_target(description, module.path + ".weight");
    if (target.tensor == nullptr || target.rows.has_value() || module.embedding || !is_projection(*target.tensor) ||
        !takes_adapter(*target.tensor)) {
      throw CheckpointError(fmt::format("{}: the adapter of '{}' has no place among the projections of the model",
                                        adapter.label(), module.path));
    }
    found[target.tensor] = &module;
  }
  return found;
}

// The projections that targets name; without any those of the adapter that the run begins with, or all of the language
// model's layers.
std::set<const TensorRole*> wanted_tensors(const family::ModelDescription& description,
                                           const std::vector<std::string>& targets,
                                           const std::map<const TensorRole*, const merge::LoraModule*>& given) {
  std::set<const TensorRole*> wanted;
  std::set<std::string> known;
  std::vector<Target> each;
  for (const std::string& text : targets) each.emplace_back(text);
  std::vector<bool> used(each.size(), false);
  for (const TensorRole& role : description.tensors) {
    if (!is_projection(role)) continue;
    const std::string module = module_path(description, role);
    known.emplace(last_word(module));
    if (targets.empty() &&
        (given.empty() ? role.part == Part::kLanguage && takes_adapter(role) : given.contains(&role))) {
      wanted.insert(&role);
    }
    for (std::size_t i = 0; i < each.size(); ++i) {
      if (!each[i].fits(module, role)) continue;
      used[i] = true;
      wanted.insert(&role);
      if (takes_adapter(role)) continue;
      throw UsageError(
          fmt::format("lora.targets: '{}' takes no adapter here; projections of the language model's layers, of towers "
                      "and projectors do (train the part itself instead)",
                      module));
    }
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i]) continue;
    const std::vector<std::string_view> names(known.begin(), known.end());
    throw UsageError(fmt::format("lora.targets: '{}' matches no projection of the model.{} There are: {}", targets[i],
                                 text::jinja::nearest_names(targets[i], names), fmt::join(names, ", ")));
  }
  return wanted;
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
  std::optional<merge::LoraAdapter> initial;
  std::map<const TensorRole*, const merge::LoraModule*> given;
  if (!options_.init.empty()) {
    initial.emplace(merge::LoraAdapter::open(options_.init));
    given = places(*initial, description);
    const checkpoint::Json config = checkpoint::read_json(initial->folder().path() / "adapter_config.json");
    options_.rank = config.value("r", options_.rank);
    options_.alpha = config.value("lora_alpha", options_.alpha);
    options_.rank_stabilized = config.value("use_rslora", options_.rank_stabilized);
  }
  if (options_.rank < 1) throw UsageError(fmt::format("lora.rank is {}, expected 1 or more", options_.rank));
  const std::set<const TensorRole*> wanted = wanted_tensors(description, options_.targets, given);
  std::vector<TensorRole> roles;
  for (const TensorRole& role : description.tensors) {
    if (!is_projection(role)) continue;
    const std::string module = module_path(description, role);
    if (!wanted.contains(&role)) {
      other_modules_.push_back(module);
      continue;
    }
    if (role.part != Part::kLanguage && options_.dropout > 0) {
      throw UsageError(
          fmt::format("lora.dropout is {}, but '{}' is no projection of the language model: adapters of "
                      "towers and projectors are trained without; set it to 0, or name other targets",
                      options_.dropout, module));
    }
    const std::int64_t out = role.shape[role.transposed ? 1 : 0], in = role.shape[role.transposed ? 0 : 1];
    fan_in_fan_out_ = fan_in_fan_out_ || role.transposed;
    const auto source = given.find(&role);
    const std::int64_t rank = source == given.end() ? options_.rank : source->second->rank;
    roles.push_back(adapter_role(role, module + ".lora_A.weight", rank, in));
    roles.push_back(adapter_role(role, module + ".lora_B.weight", out, rank));
    pairs_.push_back({&role, module, nullptr, nullptr, options_.alpha / divisor(rank)});
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
  if (!initial.has_value()) return;
  if (given.size() != pairs_.size() ||
      !std::ranges::all_of(pairs_, [&](const LoraPair& pair) { return given.contains(pair.target); })) {
    throw CheckpointError(
        fmt::format("{}: the adapter has {} modules, lora.targets ({}) names {} of the model, and they are not the "
                    "same; leave targets out to take the adapter's own",
                    options_.init, given.size(), fmt::join(options_.targets, ", "), pairs_.size()));
  }
  for (LoraPair& pair : pairs_) {
    const merge::LoraModule& module = *given.at(pair.target);
    pair.a->value.detach().copy_(model::load_tensor(initial->folder(), module.a->name, dtype));
    pair.b->value.detach().copy_(model::load_tensor(initial->folder(), module.b->name, dtype));
    pair.scale = module.scale;
  }
}

double LoraAdapters::divisor(std::int64_t rank) const {
  return options_.rank_stabilized ? std::sqrt(static_cast<double>(rank)) : static_cast<double>(rank);
}

const LoraPair* LoraAdapters::find(std::string_view tensor) const {
  const auto found = std::ranges::find_if(pairs_, [&](const LoraPair& pair) { return pair.target->name == tensor; });
  return found == pairs_.end() ? nullptr : &*found;
}

void LoraAdapters::save(const std::filesystem::path& folder, const std::string& base_model) const {
  std::filesystem::create_directories(folder);
  model::TensorMap tensors;
  std::set<std::string> targets, modules;
  checkpoint::Json ranks = checkpoint::Json::object(), alphas = ranks;
  for (const LoraPair& pair : pairs_) {
    targets.emplace(last_word(pair.module));
    modules.insert(pair.module);
    tensors["base_model.model." + pair.a->role.name] = pair.a->value.detach().to(at::kFloat).contiguous();
    tensors["base_model.model." + pair.b->role.name] = pair.b->value.detach().to(at::kFloat).contiguous();
    const std::int64_t rank = pair.a->value.size(0);
    const double alpha = pair.scale * divisor(rank);
    if (rank != options_.rank) ranks[pair.module] = rank;
    if (std::abs(alpha - options_.alpha) > 1e-9 * options_.alpha) alphas[pair.module] = alpha;
  }
  // The last words would name these too: then each module is written out.
  if (std::ranges::any_of(other_modules_, [&](const std::string& module) {
        return targets.contains(std::string(last_word(module)));
      })) {
    targets = modules;
  }
  const checkpoint::Json config{{"base_model_name_or_path", base_model},
                                {"bias", "none"},
                                {"fan_in_fan_out", fan_in_fan_out_},
                                {"inference_mode", true},
                                {"init_lora_weights", true},
                                {"alpha_pattern", alphas},
                                {"lora_alpha", options_.alpha},
                                {"lora_dropout", options_.dropout},
                                {"peft_type", "LORA"},
                                {"r", options_.rank},
                                {"rank_pattern", ranks},
                                {"target_modules", targets},
                                {"task_type", "CAUSAL_LM"},
                                {"use_dora", false},
                                {"use_rslora", options_.rank_stabilized}};
  model::write_tensor_file(folder / "adapter_model.safetensors", tensors);
  checkpoint::write_file_atomically(folder / "adapter_config.json", config.dump(2) + "\n");
}

bool LoraAdapters::adapts(family::Part part) const {
  return std::ranges::any_of(pairs_, [&](const LoraPair& pair) { return pair.target->part == part; });
}

at::Tensor LoraAdapters::adapted(const at::Tensor& weight, const LoraPair& pair) {
  const at::Tensor product = at::mm(pair.b->value.to(weight.scalar_type()), pair.a->value.to(weight.scalar_type()));
  return weight + (pair.target->transposed ? product.t() : product) * pair.scale;
}

at::Tensor LoraAdapters::merged(const at::Tensor& weight, const LoraPair& pair) {
  const at::Tensor a = pair.a->value.detach().to(at::kFloat), b = pair.b->value.detach().to(at::kFloat);
  const at::Tensor product = at::mm(b, a) * pair.scale;
  const at::Tensor wide = weight.detach().to(at::kFloat);
  return (wide + (pair.target->transposed ? product.t() : product)).to(weight.scalar_type());
}

}  // namespace cambium::tune
