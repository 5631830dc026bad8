#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/json.h"
#include "checkpoint/weight_source.h"
#include "merge/recipe.h"
#include "merge/region.h"
#include "merge/source.h"
#include "merge/source_pool.h"
#include "merge/source_tensor.h"
#include "merge/tensor_task.h"
#include "merge/vocabulary_tensor.h"

namespace cambium::merge {

/// One model's tensor(s) behind an output tensor.
struct PlannedInput {
  const Source* source = nullptr;
  TensorForm form;   ///< how it is read, in the output's form
  std::string name;  ///< the tensor as filters see it
  bool is_base = false;
};

/// A part of an output tensor, filled by one task.
struct PlannedPart {
  Region region;
  std::string method;                 ///< empty: the values of the one input are carried over
  std::vector<std::size_t> inputs;    ///< numbers in PlannedTensor::inputs
  std::vector<Parameters> per_input;  ///< one for each of `inputs`
  Parameters shared;
  std::optional<HeadBlocks> heads;
  std::string suffix;  ///< tells the parts of a tensor apart in messages and random masks; empty if there is one
};

/// One tensor of the output.
struct PlannedTensor {
  checkpoint::TensorInfo output;
  DType compute_dtype = DType::kF32;
  const family::TensorRole* role = nullptr;  ///< of the output tensor
  std::vector<PlannedInput> inputs;
  std::vector<PlannedPart> parts;  ///< disjoint, cover the tensor
  /// Not of floating point: all inputs must hold the same bytes, which are carried over.
  bool must_agree = false;
  /// Rows are tokens of a vocabulary made for this merge (`tokenizer`).
  std::shared_ptr<const VocabularyRowTable> vocabulary;

  /// Every part is carried over.
  [[nodiscard]] bool carried() const;
};

/// What to merge into one checkpoint, tensor by tensor: all decisions made, no weight read.
struct MergePlan {
  std::string name;                    ///< folder below the output where several come out (`emit`), else empty
  const Source* layout = nullptr;      ///< the model whose names, config and files the output has
  std::vector<PlannedTensor> tensors;  ///< in the order of the output
  checkpoint::Json config;
  std::vector<CompanionFile> companions;
  std::vector<std::string> notes;
  std::uint64_t seed = 0;
  bool allow_nonfinite = false;
  std::shared_ptr<std::deque<family::TensorRole>> roles;  ///< of output tensors that the layout does not have

  /// Builds the task of one part; inputs are read when it is executed.
  [[nodiscard]] TensorTask task(const PlannedTensor& tensor, const PlannedPart& part, const SpillPlace& spill) const;
  /// Stored bytes of all inputs, and of the output.
  [[nodiscard]] std::uint64_t input_bytes() const;
  [[nodiscard]] std::uint64_t output_bytes() const;
};

struct PlanOptions {
  bool truncate_embeddings = false;  ///< cut vocabularies to the smallest, as mergekit's --unsafe-truncate-embeddings
  bool allow_nonfinite = false;
};

/// Plans every output of a recipe: one, or as many as `emit` asks for.
///
/// @throws RecipeError      the recipe does not fit the models: counts, layers, parameters, which models come out
/// @throws ShapeError       tensors that do not fit each other (all listed)
/// @throws CheckpointError  a model cannot be opened
[[nodiscard]] std::vector<MergePlan> plan_merge(const Recipe& recipe, SourcePool& pool, const PlanOptions& options);

}  // namespace cambium::merge
