#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "checkpoint/json.h"
#include "checkpoint/model_folder.h"
#include "family/model_description.h"

namespace cambium::cli {

/// What `inspect` tells of a model folder.
struct ModelSummary {
  /// A group of tensors: a part of the model, or an element type.
  struct Group {
    std::string name;
    std::uint64_t tensors = 0;
    std::uint64_t parameters = 0;
    std::uint64_t bytes = 0;
  };
  const checkpoint::ModelFolder* folder = nullptr;
  family::ModelDescription description;
  std::vector<Group> parts;   ///< language, towers, projector ...: those there are, in the order of family::Part
  std::vector<Group> dtypes;  ///< largest first
};

/// @throws CheckpointError  as family::describe
[[nodiscard]] ModelSummary summarize(const checkpoint::ModelFolder& folder);

void print_summary(std::ostream& out, const ModelSummary& summary);
/// One line a tensor: name, type, shape, size, part, role, layer, and the shard if there are several.
void print_tensors(std::ostream& out, const ModelSummary& summary);
/// The same as JSON; `with_tensors` adds the list "tensors".
[[nodiscard]] checkpoint::Json summary_json(const ModelSummary& summary, bool with_tensors);

}  // namespace cambium::cli
