#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/json.h"

namespace cambium::merge {

/// What adapter_config.json of a LoRA adapter says about its numbers.
struct LoraSettings {
  std::int64_t rank = 8;
  double alpha = 8;
  bool rank_stabilized = false;  ///< scale alpha / sqrt(rank) instead of alpha / rank
  bool fan_in_fan_out = false;
  std::string base_model;
  /// Regular expressions on module paths, as PEFT matches them: the first that matches the end of the path wins.
  std::vector<std::pair<std::string, std::int64_t>> rank_pattern;
  std::vector<std::pair<std::string, double>> alpha_pattern;

  /// @param where  the file's name for messages
  /// @throws CheckpointError  a field of the wrong kind; no LoRA; a variant that is not plain B A
  [[nodiscard]] static LoraSettings parse(const checkpoint::Json& config, std::string_view where);

  [[nodiscard]] std::int64_t rank_of(std::string_view path) const;
  /// @param module_rank  the rank of the module's matrices
  [[nodiscard]] double scale_of(std::string_view path, std::int64_t module_rank) const;
};

}  // namespace cambium::merge
