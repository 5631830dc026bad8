#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/content_hash.h"
#include "checkpoint/json.h"
#include "merge/execute.h"
#include "merge/merge_plan.h"
#include "merge/recipe.h"

namespace cambium::merge {

inline constexpr std::string_view kProvenanceFile = "provenance.json";

/// A tensor that was read, by the name in its model's files, and the hash of its stored bytes.
struct ReadTensor {
  std::string name;
  checkpoint::ContentHash hash;
};

/// The entry of one tensor in provenance.json.
/// @param read     for each input of `tensor`, what was read
/// @param reports  one a part
[[nodiscard]] checkpoint::Json provenance_of(const PlannedTensor& tensor, const checkpoint::ContentHash& hash,
                                             const std::vector<std::vector<ReadTensor>>& read,
                                             const std::vector<TaskReport>& reports);

/// provenance.json: recipe, versions, models, small files and tensors (docs/recipes.md documents it).
/// @param tensors  entries as JSON text, in the order of the output
[[nodiscard]] std::string provenance_text(const MergePlan& plan, const Recipe& recipe, std::string_view version,
                                          const checkpoint::ContentHash& identity,
                                          const std::vector<std::pair<std::string, checkpoint::ContentHash>>& files,
                                          const std::vector<std::string>& tensors);

}  // namespace cambium::merge
