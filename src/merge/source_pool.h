#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "merge/recipe.h"
#include "merge/source.h"

namespace cambium::merge {

/// The models of a merge, each opened once, and their alignments. Kept from one run to the next when only numbers of
/// the recipe change.
class SourcePool {
 public:
  SourcePool() : SourcePool(std::vector<std::string>{}) {}
  /// @param recipes_above  recipes that are being opened, outermost first: none of them may be opened again
  explicit SourcePool(std::vector<std::string> recipes_above);
  ~SourcePool();
  SourcePool(const SourcePool&) = delete;
  SourcePool& operator=(const SourcePool&) = delete;

  /// Opens a folder, a name in the Hugging Face cache, a recipe (merged when its tensors are asked for), or any of them
  /// with an adapter. An adapter by itself stands for the recipe's base_model with it, or, without one, for the model
  /// it was trained on.
  /// @param recipe  who asks: its earlier documents can be named as models
  /// @throws CheckpointError, RecipeError, SystemError
  [[nodiscard]] const Source& open(const ModelReference& reference, const Recipe& recipe);

  /// The alignment of two of them. @param by_index  pair vocabulary rows by index: no tokenizer is read
  [[nodiscard]] const family::Alignment& alignment(const Source& base, const Source& model, bool by_index);

 private:
  [[nodiscard]] std::unique_ptr<Source> opened(const ModelReference& reference, const Recipe& recipe);
  [[nodiscard]] std::unique_ptr<Source> opened_adapter(const ModelReference& reference, const ModelReference& model,
                                                       const std::string& adapter, const Recipe& recipe);
  [[nodiscard]] std::unique_ptr<Source> opened_recipe(const ModelReference& reference, Recipe recipe);

  std::map<std::string, std::unique_ptr<Source>> sources_;
  std::map<std::pair<const Source*, const Source*>, std::unique_ptr<family::Alignment>> alignments_[2];
  std::vector<std::string> recipes_above_;
};

}  // namespace cambium::merge
