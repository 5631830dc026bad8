#include "merge/source_pool.h"

#include <fmt/format.h>

#include <algorithm>

#include "checkpoint/model_folder.h"
#include "merge/lora_adapter.h"
#include "merge/lora_weights.h"
#include "merge/virtual_merge.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

// Recipes that name recipes: deeper than anyone writes by hand.
constexpr std::size_t kMaxNesting = 16;

std::string name_of(const ModelReference& reference, const Recipe& recipe) {
  // Two files may each have a document of the same name.
  return recipe.documents.contains(reference.model) ? recipe.file + "#" + reference.text() : reference.text();
}

std::vector<CompanionFile> companions_of(const checkpoint::ModelFolder& folder) {
  std::vector<CompanionFile> files;
  for (const std::string& name : folder.companion_files()) files.push_back({name, folder.path() / name, std::nullopt});
  return files;
}

std::vector<std::filesystem::path> weight_files(const checkpoint::ModelFolder& folder) {
  std::vector<std::filesystem::path> files;
  for (const checkpoint::SafetensorsFile& shard : folder.shards()) files.push_back(shard.path());
  return files;
}

// The model that an adapter named by itself is added to.
ModelReference model_of_adapter(const ModelReference& adapter, const Recipe& recipe) {
  if (recipe.base_model && *recipe.base_model != adapter) return *recipe.base_model;
  const std::string trained_on = LoraAdapter::open(adapter.model).base_model();
  if (trained_on.empty()) {
    throw RecipeError(fmt::format("{}: {} is an adapter, and nothing says of which model; write MODEL+{}", recipe.file,
                                  adapter.text(), adapter.text()));
  }
  return {.model = trained_on, .adapter = {}};
}

// The model's small files, and where the adapter brings new tokens, its tokenizer.
std::vector<CompanionFile> adapted_companions(const Source& model, const LoraWeights& weights,
                                              const checkpoint::ModelFolder& adapter) {
  std::vector<CompanionFile> files = model.companions();
  if (!weights.changes_vocabulary()) return files;
  for (CompanionFile& own : companions_of(adapter)) {
    std::erase_if(files, [&](const CompanionFile& file) { return file.name == own.name; });
    files.push_back(std::move(own));
  }
  std::ranges::sort(files, {}, &CompanionFile::name);
  return files;
}

}  // namespace

SourcePool::SourcePool(std::vector<std::string> recipes_above) : recipes_above_(std::move(recipes_above)) {}
SourcePool::~SourcePool() = default;

const Source& SourcePool::open(const ModelReference& reference, const Recipe& recipe) {
  std::unique_ptr<Source>& source = sources_[name_of(reference, recipe)];
  if (!source) source = opened(reference, recipe);
  return *source;
}

std::unique_ptr<Source> SourcePool::opened(const ModelReference& reference, const Recipe& recipe) {
  if (reference.adapter) {
    return opened_adapter(reference, {.model = reference.model, .adapter = {}}, *reference.adapter, recipe);
  }
  if (const auto document = recipe.documents.find(reference.model); document != recipe.documents.end()) {
    return opened_recipe(reference, *document->second);
  }
  if (names_a_recipe(reference.model)) return opened_recipe(reference, read_recipe(reference.model, {}));
  if (LoraAdapter::is_adapter(checkpoint::resolve_model(reference.model))) {
    return opened_adapter(reference, model_of_adapter(reference, recipe), reference.model, recipe);
  }
  auto folder = std::make_shared<checkpoint::ModelFolder>(checkpoint::ModelFolder::open(reference.model));
  checkpoint::Json config = folder->config();
  std::vector<CompanionFile> companions = companions_of(*folder);
  std::vector<std::filesystem::path> files = weight_files(*folder);
  return std::make_unique<Source>(reference, std::move(folder), std::move(config), std::move(companions),
                                  std::move(files), nullptr);
}

std::unique_ptr<Source> SourcePool::opened_adapter(const ModelReference& reference, const ModelReference& model,
                                                   const std::string& adapter, const Recipe& recipe) {
  const Source& base = open(model, recipe);
  const auto opened = std::make_shared<const LoraAdapter>(LoraAdapter::open(adapter));
  // The pool keeps the model as long as what is read through it.
  const std::shared_ptr<const checkpoint::WeightSource> below(std::shared_ptr<void>(), &base.weights());
  auto weights = std::make_shared<const LoraWeights>(below, base.description(), opened);
  std::vector<std::filesystem::path> files = weight_files(opened->folder());
  files.push_back(opened->folder().path() / "adapter_config.json");
  return std::make_unique<Source>(reference, weights, weights->config(base.config()),
                                  adapted_companions(base, *weights, opened->folder()), std::move(files), nullptr,
                                  &base);
}

std::unique_ptr<Source> SourcePool::opened_recipe(const ModelReference& reference, Recipe recipe) {
  const std::string name = recipe.name.empty() ? recipe.file : recipe.file + "#" + recipe.name;
  if (std::ranges::find(recipes_above_, name) != recipes_above_.end() || recipes_above_.size() >= kMaxNesting) {
    throw RecipeError(fmt::format("{}: the recipe is made of itself: {} -> {}", reference.text(),
                                  fmt::join(recipes_above_, " -> "), name));
  }
  std::vector<std::string> above = recipes_above_;
  above.push_back(name);
  // The constructor that knows which recipes are being opened is for this place alone.
  const std::shared_ptr<VirtualMerge> merge(new VirtualMerge(std::move(recipe), std::move(above), {}));
  return std::make_unique<Source>(reference, merge, merge->config(), merge->companions(),
                                  std::vector<std::filesystem::path>{}, merge);
}

const family::Alignment& SourcePool::alignment(const Source& base, const Source& model, bool by_index) {
  std::unique_ptr<family::Alignment>& alignment = alignments_[by_index ? 1 : 0][{&base, &model}];
  if (!alignment) {
    family::AlignmentSide base_side =
        by_index ? family::AlignmentSide{&base.description(), nullptr, base.label()} : base.side();
    family::AlignmentSide model_side =
        by_index ? family::AlignmentSide{&model.description(), nullptr, model.label()} : model.side();
    alignment = std::make_unique<family::Alignment>(
        family::align(base_side, model_side, {.vocabulary_by_index = by_index, .skip_unmatched = false}));
  }
  return *alignment;
}

}  // namespace cambium::merge
