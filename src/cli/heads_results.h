#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "cli/heads_comparison.h"
#include "eval/heads_run.h"

namespace cambium::cli {

/// One row for each task and set of heads: model,task,layer,heads,accuracy,probability,kl; a first row without layer is
/// the unmasked model's.
[[nodiscard]] std::string heads_csv(std::span<const eval::HeadsReport> reports);

/// A page with heat maps, the heads that matter most, and comparisons. Self-contained.
[[nodiscard]] std::string heads_page(std::span<const eval::HeadsReport> reports,
                                     std::span<const HeadsComparison> comparisons);

/// Writes a study into a folder, as head-masking studies are published: accu_prob.json, prob.json and kl.json, objects
/// from "[layer, head]" to a number, and option_logits.jsonl, a row for each question without and with each mask; in a
/// folder for each task if there are several.
void write_heads_folder(const std::filesystem::path& folder, const eval::HeadsReport& report);

}  // namespace cambium::cli
