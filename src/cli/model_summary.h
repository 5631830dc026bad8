#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "checkpoint/json.h"
#include "checkpoint/model_folder.h"
#include "family/model_description.h"
#include "merge/source.h"

namespace cambium::cli {

/// What `inspect` tells of a model.
struct ModelSummary {
  /// A group of tensors: a part of the model, or an element type.
  struct Group {
    std::string name;
    std::uint64_t tensors = 0;
    std::uint64_t parameters = 0;
    std::uint64_t bytes = 0;
  };
  std::string label;
  const checkpoint::WeightSource* weights = nullptr;
  const checkpoint::ModelFolder* folder = nullptr;  ///< null for a recipe, whose tensors lie in no file
  std::vector<std::string> files;                   ///< tokenizer, chat template, processor files ...
  family::ModelDescription description;
  std::vector<Group> parts;   ///< language, towers, projector ...: those there are, in the order of family::Part
  std::vector<Group> dtypes;  ///< largest first
  std::uint64_t parameters = 0;
  std::uint64_t bytes = 0;
};

/// @throws CheckpointError  as family::describe
[[nodiscard]] ModelSummary summarize(const checkpoint::ModelFolder& folder);
/// Of a recipe or a model with an adapter.
[[nodiscard]] ModelSummary summarize(const merge::Source& model);

void print_summary(std::ostream& out, const ModelSummary& summary);
/// One line a tensor: name, type, shape, size, part, role, layer, and the shard if there are several.
void print_tensors(std::ostream& out, const ModelSummary& summary);
/// The same as JSON; `with_tensors` adds the list "tensors".
[[nodiscard]] checkpoint::Json summary_json(const ModelSummary& summary, bool with_tensors);

}  // namespace cambium::cli
