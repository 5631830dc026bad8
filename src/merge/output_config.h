#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "checkpoint/json.h"
#include "merge/merge_plan.h"

namespace cambium::merge {

/// What a merge changed about a model, beyond what its tensors show.
struct OutputFacts {
  /// The output's layers, cut from slices: model and its layer. Empty: the layers are those of the layout.
  std::vector<std::pair<const Source*, std::int64_t>> layers_from;
  /// The output has a head of its own, whatever the layout's config says.
  bool untied = false;
  const Source* tokenizer_source = nullptr;  ///< whose tokenizer it has, if not the layout's
};

/// config.json of a planned output: the layout's, with element types, vocabulary, layers and tying as they came out, in
/// the spelling (4.x or 5.x, nested or flat) that the layout's file uses.
[[nodiscard]] checkpoint::Json output_config(const MergePlan& plan, const OutputFacts& facts);

}  // namespace cambium::merge
