#include "cli/merge_options.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <iostream>
#include <optional>
#include <set>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/json.h"
#include "cli/terminal_progress.h"
#include "cli/text_table.h"
#include "merge/merge_run.h"
#include "merge/source_pool.h"
#include "tensor/error.h"
#include "tensor/workers.h"

namespace cambium::cli {
namespace {

using checkpoint::Json;

std::optional<merge::RunShare> share_of(const std::string& text) {
  if (text.empty() || text == "finish") return std::nullopt;
  merge::RunShare share;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, share.part);
  if (first.ec == std::errc{} && first.ptr != end && *first.ptr == '/') {
    const auto second = std::from_chars(first.ptr + 1, end, share.parts);
    if (second.ec == std::errc{} && second.ptr == end && share.part >= 1 && share.part <= share.parts) return share;
  }
  throw UsageError(fmt::format("--shard {}: expected I/N with 1 <= I <= N (2/8), or finish", text));
}

std::string action_of(const merge::PlannedTensor& tensor) {
  if (tensor.must_agree) return "copied (equal in all)";
  if (tensor.carried()) return "carried";
  return "merged";
}

std::uint64_t bytes_in(const merge::PlannedTensor& tensor) {
  std::uint64_t bytes = 0;
  for (const merge::PlannedInput& input : tensor.inputs) {
    bytes += numel(input.form.shape) * static_cast<std::uint64_t>(bits_of(input.form.dtype)) / 8;
  }
  return bytes;
}

Json plan_json(const merge::MergePlan& plan, const MergeOptions& options) {
  std::vector<checkpoint::TensorInfo> tensors;
  Json steps = Json::array();
  for (const merge::PlannedTensor& tensor : plan.tensors) {
    tensors.push_back(tensor.output);
    Json inputs = Json::array();
    for (const merge::PlannedInput& input : tensor.inputs) {
      inputs.push_back({{"model", input.source->label()}, {"tensors", input.form.names()}});
    }
    steps.push_back({{"tensor", tensor.output.name},
                     {"action", action_of(tensor)},
                     {"dtype", std::string(name_of(tensor.output.dtype))},
                     {"shape", tensor.output.shape},
                     {"parts", tensor.parts.size()},
                     {"inputs", std::move(inputs)},
                     {"input_bytes", bytes_in(tensor)},
                     {"output_bytes", tensor.output.bytes()}});
  }
  Json json;
  json["folder"] = options.out.empty() ? plan.name : merge::output_folder(plan, options.out).string();
  json["made_after"] = plan.layout->label();
  json["input_bytes"] = plan.input_bytes();
  json["output_bytes"] = plan.output_bytes();
  json["memory_bytes"] = options.memory_bytes;
  json["weight_files"] = checkpoint::plan_output(std::move(tensors), options.shard_bytes).shard_files.size();
  json["steps"] = std::move(steps);
  return json;
}

void print_plan(const merge::MergePlan& plan, const merge::Recipe& recipe, const MergeOptions& options) {
  std::map<std::string, std::pair<std::size_t, std::uint64_t>> actions;
  for (const merge::PlannedTensor& tensor : plan.tensors) {
    auto& [count, bytes] = actions[action_of(tensor)];
    ++count;
    bytes += tensor.output.bytes();
  }
  std::cout << (options.out.empty() ? recipe.file : merge::output_folder(plan, options.out).string()) << ": "
            << recipe.method << ", made after " << plan.layout->label() << '\n';
  for (const auto& [action, sum] : actions) {
    fmt::print("  {} tensors {}: {}\n", sum.first, action, human_bytes(sum.second));
  }
  fmt::print("  reads {}, writes {}, buffers up to {}\n", human_bytes(plan.input_bytes()),
             human_bytes(plan.output_bytes()), human_bytes(options.memory_bytes));
}

Json summary_json(const merge::RunSummary& summary, double seconds) {
  return {{"folder", summary.folder.string()},
          {"tensors", summary.tensors},
          {"carried", summary.carried},
          {"resumed", summary.resumed},
          {"input_bytes", summary.input_bytes},
          {"output_bytes", summary.output_bytes},
          {"complete", summary.complete},
          {"was_complete", summary.was_complete},
          {"seconds", seconds}};
}

void print_summary(const merge::RunSummary& summary, const MergeOptions& options, double seconds) {
  const std::string folder = summary.folder.string();
  if (summary.was_complete) {
    fmt::print("{} is complete already\n", folder);
    return;
  }
  if (!summary.complete) {
    fmt::print("{}: share {} is done; when all are, write the index with --shard finish\n", folder, options.share);
    return;
  }
  fmt::print("{}: {} tensors merged, {} carried, {} in {}{}\n", folder, summary.tensors - summary.carried,
             summary.carried, human_bytes(summary.output_bytes), human_seconds(seconds),
             summary.resumed > 0 ? fmt::format(" ({} tensors were there already)", summary.resumed) : "");
}

}  // namespace

void add_merge_options(CLI::App& command, MergeOptions& options) {
  command.add_option("-o,--out", options.out, "folder to create");
  command.add_option("--memory", options.memory_bytes, "most memory that buffers take, as 256MiB or 2GiB")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::PositiveNumber)
      ->default_str("256MiB");
  command.add_option("--threads", options.threads, "threads to merge with [all CPUs]")->check(CLI::Range(1U, 1024U));
  command.add_option("--shard-size", options.shard_bytes, "largest weight file, as 5GB or 800MiB")
      ->transform(CLI::AsSizeValue(true))
      ->check(CLI::PositiveNumber)
      ->default_str("5GB");
  command.add_option(
      "--shard", options.share,
      "I/N: do the I-th of N parts of the output (N machines on one file system); finish: write the index "
      "after all parts");
  command.add_flag("--resume", options.resume, "go on with an output that was left unfinished");
  command.add_flag("--dry-run", options.dry_run, "print what would be done, read no weights, write nothing");
  command.add_flag("--truncate-embeddings", options.plan.truncate_embeddings,
                   "cut vocabularies to the smallest: rows behind are lost");
  command.add_flag("--allow-nonfinite", options.plan.allow_nonfinite,
                   "merge NaN and infinity instead of refusing them");
  command.add_flag("--json", options.json, "print the plan or the result as JSON");
}

void run_recipe(const merge::Recipe& recipe, const MergeOptions& options) {
  if (options.out.empty() && !options.dry_run) throw UsageError("--out is required: the folder to create");
  merge::SourcePool pool;
  std::vector<merge::MergePlan> plans = merge::plan_merge(recipe, pool, options.plan);
  std::set<std::string> notes;
  for (const merge::MergePlan& plan : plans) {
    for (const std::string& note : plan.notes) {
      if (notes.insert(note).second) std::cerr << "note: " << note << '\n';
    }
  }
  Json outputs = Json::array();
  if (options.dry_run) {
    for (const merge::MergePlan& plan : plans) {
      if (options.json) {
        outputs.push_back(plan_json(plan, options));
      } else {
        print_plan(plan, recipe, options);
      }
    }
  } else {
    merge::RunOptions run{.out = options.out,
                          .threads = options.threads,
                          .memory_bytes = static_cast<std::size_t>(options.memory_bytes),
                          .shard_bytes = options.shard_bytes,
                          .resume = options.resume,
                          .share = share_of(options.share),
                          .finish_shares = options.share == "finish",
                          .version = CAMBIUM_VERSION,
                          .progress = nullptr};
    for (merge::MergePlan& plan : plans) {
      const auto start = std::chrono::steady_clock::now();
      merge::RunSummary summary;
      {
        TerminalProgress progress;
        run.progress = &progress;
        summary = merge::run_merge(plan, recipe, run);
      }
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      if (options.json) {
        outputs.push_back(summary_json(summary, seconds));
      } else {
        print_summary(summary, options, seconds);
      }
    }
  }
  if (options.json) {
    std::cout << Json{{"outputs", std::move(outputs)}, {"notes", std::vector<std::string>(notes.begin(), notes.end())}}
                     .dump(2)
              << '\n';
  }
}

}  // namespace cambium::cli
