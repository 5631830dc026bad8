#include "merge/emission.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "tensor/error.h"

namespace cambium::merge {
namespace {

bool is_multimodal(const Source* source) { return source->description().multimodal; }

// "models/llava-1.5-7b/" -> "llava-1.5-7b"; made unique by a number.
std::string folder_name(const Source& source, const std::vector<Emission>& taken) {
  std::filesystem::path path(source.reference().model);
  if (path.filename().empty()) path = path.parent_path();
  const std::string stem = names_a_recipe(source.reference().model) ? path.stem().string() : path.filename().string();
  std::string name = stem.empty() || stem == "." || stem == ".." ? "model" : stem;
  for (int number = 2; std::ranges::find(taken, name, &Emission::name) != taken.end(); ++number) {
    name = fmt::format("{}-{}", stem, number);
  }
  return name;
}

std::string labels(const std::vector<const Source*>& sources) {
  std::string text;
  for (const Source* source : sources) text += (text.empty() ? "" : ", ") + source->label();
  return text;
}

}  // namespace

std::vector<Emission> emissions_of(const Recipe& recipe, SourcePool& pool) {
  std::vector<const Source*> models;
  for (const ModelReference& reference : recipe.models()) models.push_back(&pool.open(reference, recipe));
  std::vector<const Source*> multimodal;
  std::ranges::copy_if(models, std::back_inserter(multimodal), is_multimodal);
  const Source* base = recipe.base_model ? &pool.open(*recipe.base_model, recipe) : nullptr;
  const Source* carry = recipe.carry ? &pool.open(*recipe.carry, recipe) : nullptr;
  if (carry != nullptr && !is_multimodal(carry)) {
    throw RecipeError(
        fmt::format("{}: carry: {} has no tensors outside the language to carry", recipe.file, carry->label()));
  }

  std::vector<Emission> emissions;
  const auto add = [&](const Source* layout) {
    const Source* from = is_multimodal(layout) && carry != nullptr ? carry : layout;
    emissions.push_back({folder_name(*layout, emissions), layout, from});
  };
  switch (recipe.emit.kind) {
    case EmitSpec::Kind::kLanguage: {
      const Source* language = base != nullptr && !is_multimodal(base) ? base : nullptr;
      for (const Source* model : models) {
        if (language == nullptr && !is_multimodal(model)) language = model;
      }
      if (language == nullptr) {
        throw RecipeError(
            fmt::format("{}: emit: language needs a language model among the models, whose names and config "
                        "the output takes; all are multimodal: {}",
                        recipe.file, labels(models)));
      }
      add(language);
      break;
    }
    case EmitSpec::Kind::kEach:
      if (multimodal.empty()) {
        throw RecipeError(
            fmt::format("{}: emit: each finds no multimodal model among {}", recipe.file, labels(models)));
      }
      for (const Source* model : multimodal) add(model);
      break;
    case EmitSpec::Kind::kModels:
      for (const ModelReference& reference : recipe.emit.models) add(&pool.open(reference, recipe));
      break;
    case EmitSpec::Kind::kDefault:
      if (carry != nullptr) {
        add(carry);
      } else if (multimodal.empty() || multimodal.size() == models.size()) {
        add(base != nullptr ? base : models.front());
      } else if (multimodal.size() == 1) {
        add(multimodal.front());
      } else if (base != nullptr && is_multimodal(base)) {
        add(base);
      } else {
        throw RecipeError(
            fmt::format("{}: several models are multimodal ({}): say which come out with emit: each, emit: "
                        "language or emit: [MODEL, ...]",
                        recipe.file, labels(multimodal)));
      }
      break;
  }
  if (emissions.size() == 1) emissions.front().name.clear();
  return emissions;
}

}  // namespace cambium::merge
