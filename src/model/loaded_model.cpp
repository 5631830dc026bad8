#include "model/loaded_model.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>

#include "checkpoint/model_folder.h"
#include "merge/recipe.h"
#include "merge/virtual_merge.h"
#include "tensor/error.h"
#include "tensor/shape.h"

namespace cambium::model {

std::optional<at::ScalarType> dtype_option(std::string_view word) {
  if (word == "auto") return std::nullopt;
  if (word == "float32" || word == "f32" || word == "fp32") return at::kFloat;
  if (word == "bfloat16" || word == "bf16") return at::kBFloat16;
  if (word == "float16" || word == "f16" || word == "fp16" || word == "half") return at::kHalf;
  throw UsageError(fmt::format("unknown dtype '{}'; known are auto, float32, bfloat16, float16", word));
}

namespace {

// A folder for the small files of a merged model (tokenizer, chat template), removed with the model.
class CompanionFolder {
 public:
  explicit CompanionFolder(const std::vector<merge::CompanionFile>& files) {
    std::string pattern = (std::filesystem::temp_directory_path() / "cambium-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
      throw SystemError(fmt::format("cannot make a folder {}: {}", pattern, std::strerror(errno)));
    }
    path_ = pattern;
    for (const merge::CompanionFile& file : files) {
      std::filesystem::create_directories((path_ / file.name).parent_path());
      std::ofstream(path_ / file.name, std::ios::binary) << file.read();
    }
  }
  ~CompanionFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  CompanionFolder(const CompanionFolder&) = delete;
  CompanionFolder& operator=(const CompanionFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

ModelSource open_recipe(std::string_view file) {
  std::unique_ptr<merge::VirtualMerge> merged = merge::VirtualMerge::open(file);
  const auto folder = std::make_shared<CompanionFolder>(merged->companions());
  ModelSource source;
  source.config = merged->config();
  source.folder = folder->path();
  source.keeper = folder;
  source.recipe = merged.get();
  source.weights = std::move(merged);
  return source;
}

}  // namespace

ModelSource open_model(std::string_view model) {
  if (merge::names_a_recipe(model)) return open_recipe(model);
  auto folder = std::make_unique<checkpoint::ModelFolder>(checkpoint::ModelFolder::open(model));
  ModelSource source;
  source.config = folder->config();
  source.folder = folder->path();
  source.weights = std::move(folder);
  return source;
}

namespace {

at::ScalarType prevailing_dtype(const checkpoint::WeightSource& weights, const family::ModelDescription& description) {
  std::map<at::ScalarType, std::size_t> elements;
  for (const family::TensorRole& role : description.tensors) {
    const checkpoint::TensorInfo* info = weights.find(role.name);
    if (role.part != family::Part::kLanguage || info == nullptr || !is_mergeable(info->dtype)) continue;
    elements[scalar_type_of(info->dtype, role.name)] += numel(info->shape);
  }
  at::ScalarType best = at::kFloat;
  std::size_t most = 0;
  for (const auto& [dtype, count] : elements) {
    if (count > most) {
      best = dtype;
      most = count;
    }
  }
  return best == at::kDouble ? at::kFloat : best;
}

}  // namespace

std::vector<std::string> set_recipe(ModelSource& source, const RecipeSettings& settings) {
  if (source.recipe == nullptr) {
    throw UsageError(fmt::format("{}: only a model that is a recipe has settings to change", source.weights->label()));
  }
  return source.recipe->set(settings);
}

LoadedModel prepare_model(ModelSource source, std::optional<at::ScalarType> dtype) {
  LoadedModel model;
  model.source = std::move(source);
  const checkpoint::WeightSource& weights = *model.source.weights;
  model.description = family::describe(model.source.config, weights.tensors(), weights.label());
  model.config = decoder_config(model.description.language, weights.label());
  model.dtype = dtype.value_or(prevailing_dtype(weights, model.description));
  check_decoder(model.description, model.config, weights.label());
  return model;
}

LoadedModel load_model(ModelSource source, std::optional<at::ScalarType> dtype) {
  LoadedModel model = prepare_model(std::move(source), dtype);
  const checkpoint::WeightSource& weights = *model.source.weights;
  model.weights =
      assemble_decoder(model.description, model.config, weights.label(), [&](const family::TensorRole& role) {
        at::Tensor tensor = load_tensor(weights, role.name, model.dtype);
        if (model.source.recipe != nullptr) model.merged.emplace(role.name, tensor);
        return tensor;
      });
  return model;
}

std::vector<std::string> LoadedModel::remerge(const RecipeSettings& settings) {
  std::map<std::string, bool, std::less<>> own;  // memory of ours, not the inputs' bytes
  for (const auto& [name, tensor] : merged) own[name] = !is_mapped(*source.weights, name, tensor);
  std::vector<std::string> changed = set_recipe(source, settings);
  for (const std::string& name : changed) {
    const auto found = merged.find(name);
    if (found == merged.end()) continue;
    if (own[name]) {
      reload_tensor(*source.weights, name, found->second);
    } else {
      found->second = load_tensor(*source.weights, name, dtype);
    }
  }
  weights = assemble_decoder(description, config, source.weights->label(),
                             [&](const family::TensorRole& role) { return merged.at(role.name); });
  return changed;
}

}  // namespace cambium::model
