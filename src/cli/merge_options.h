#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "merge/merge_plan.h"
#include "merge/recipe.h"

namespace cambium::cli {

/// The options that every command which writes a merge has, and what they do.
struct MergeOptions {
  std::string out;
  std::uint64_t memory_bytes = std::uint64_t{256} << 20;
  std::uint64_t shard_bytes = 5'000'000'000;
  unsigned threads = 0;
  std::string share;
  bool resume = false;
  bool dry_run = false;
  bool json = false;
  merge::PlanOptions plan;
};

/// Adds --out, --memory, --threads, --resume, --shard, --shard-size, --dry-run, --json and the rest to a command.
void add_merge_options(CLI::App& command, MergeOptions& options);

/// Plans the recipe and runs it, or prints the plan (--dry-run); prints what was done, or JSON.
void run_recipe(const merge::Recipe& recipe, const MergeOptions& options);

}  // namespace cambium::cli
