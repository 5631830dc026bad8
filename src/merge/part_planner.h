#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "merge/matching.h"
#include "merge/merge_modules.h"
#include "merge/merge_plan.h"
#include "merge/method_info.h"
#include "merge/recipe.h"
#include "merge/tokenizer_merge.h"
#include "merge/vocabulary_tensor.h"

namespace cambium::merge {

/// What to do with embedding rows.
struct VocabularyRule {
  enum class Kind : std::uint8_t {
    kPlain,     ///< all inputs must have the same rows
    kTruncate,  ///< cut to the smallest
    kToken,     ///< look rows up by token: merge those that all have, carry the others
    kMerged,    ///< a vocabulary made for this merge
  };
  Kind kind = Kind::kPlain;
  EmbeddingRule embeddings = EmbeddingRule::kDefault;  ///< of kToken
  const MergedVocabulary* merged = nullptr;            ///< of kMerged
  std::vector<const Source*> merged_models;            ///< the inputs of `merged`
};

/// Decides how an output tensor is put together once its inputs are known: what is merged and what is carried, which
/// rows and heads go together, types, and every number of the method.
class PartPlanner {
 public:
  /// @param keep_types  tensors come out in the type they have in the layout unless the recipe says another: a language
  /// model of
  ///                    another type that is merged into a multimodal one does not change what the latter is stored in
  PartPlanner(const Recipe& recipe, const MethodInfo& method, VocabularyRule vocabulary, bool keep_types);

  /// The rows of this tensor are tokens that have to be looked up.
  [[nodiscard]] bool looks_rows_up(const family::TensorRole& tensor) const;

  struct Context {
    const MergeModule* module = nullptr;
    const Slice* slice = nullptr;
    double place = 0;        ///< of the tensor's layer in its slice, 0..1
    PlannedInput otherwise;  ///< what is carried where nothing is merged
  };
  /// Fills in type, shape and parts of a tensor whose inputs are the merge's sources.
  /// @throws RecipeError, ValueError  parameters missing or out of range
  /// @throws ShapeError               inputs of other shapes
  void plan(PlannedTensor& tensor, const Context& context) const;
  /// Carries the tensor's only input over.
  void carry(PlannedTensor& tensor) const;

 private:
  void plan_types(PlannedTensor& tensor, const Context& context) const;
  void plan_vocabulary(PlannedTensor& tensor, const Context& context) const;
  void plan_rows(PlannedTensor& tensor, const Context& context) const;
  void add_merged(PlannedTensor& tensor, const Context& context, Region region, std::string suffix) const;
  void add_heads(PlannedTensor& tensor, const Context& context) const;
  void fill_parameters(PlannedPart& part, const PlannedTensor& tensor, const Context& context,
                       std::optional<int> head) const;
  [[nodiscard]] bool asks_for_heads(const Context& context) const;
  [[nodiscard]] std::shared_ptr<const VocabularyRowTable> row_table(const PlannedTensor& tensor) const;

  const Recipe& recipe_;
  const MethodInfo& method_;
  VocabularyRule vocabulary_;
  bool keep_types_;
  /// Tables by the models that take part: embedding and head usually share one.
  mutable std::map<std::vector<const Source*>, std::shared_ptr<const VocabularyRowTable>> tables_;
};

}  // namespace cambium::merge
