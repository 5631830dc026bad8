#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <optional>

#include "checkpoint/json.h"
#include "cli/commands.h"
#include "cli/terminal_progress.h"
#include "merge/verification.h"
#include "tensor/error.h"
#include "tensor/workers.h"

namespace cambium::cli {
namespace {

using merge::VerifiedInput;

std::string_view name_of(VerifiedInput::State state) {
  switch (state) {
    case VerifiedInput::State::kSame:
      return "same";
    case VerifiedInput::State::kDiffers:
      return "differs";
    case VerifiedInput::State::kNotThere:
      break;
  }
  return "not there";
}

void print_json(const merge::Verification& result) {
  checkpoint::Json report;
  report["ok"] = result.differences.empty();
  report["tensors"] = result.tensors;
  report["files"] = result.files;
  report["inputs"] = checkpoint::Json::array();
  for (const VerifiedInput& input : result.inputs) {
    report["inputs"].push_back(
        {{"model", input.model}, {"state", std::string(name_of(input.state))}, {"tensors", input.tensors}});
  }
  report["differences"] = checkpoint::Json::array();
  for (const merge::VerificationDifference& difference : result.differences) {
    report["differences"].push_back(
        {{"where", difference.where}, {"name", difference.name}, {"found", difference.found}});
  }
  std::cout << report.dump(2) << '\n';
}

}  // namespace

void add_verify_command(CLI::App& app) {
  struct Options {
    std::string folder;
    unsigned threads = 0;
    bool outputs_only = false;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("verify", "Hash a merge's output and inputs anew and compare with its provenance");
  command->add_option("folder", options->folder, "what cambium merge or recover made")->required();
  command->add_flag("--outputs-only", options->outputs_only, "do not look at the inputs");
  command->add_option("--threads", options->threads, "threads to hash with [all CPUs]")->check(CLI::Range(1U, 1024U));
  command->add_flag("--json", options->json, "print the result as JSON");
  command->callback([options] {
    merge::Verification result;
    {
      TerminalProgress progress;
      Workers workers(options->threads == 0 ? default_threads() : options->threads);
      result = merge::verify_output(options->folder, !options->outputs_only, workers, progress);
    }
    if (options->json) {
      print_json(result);
    } else {
      fmt::print("{}: {} tensors and {} files\n", options->folder, result.tensors, result.files);
      for (const VerifiedInput& input : result.inputs) {
        fmt::print("  input {}: {}{}\n", input.model, name_of(input.state),
                   input.tensors > 0 ? fmt::format(" ({} tensors)", input.tensors) : "");
      }
      if (result.differences.empty()) fmt::print("as the provenance says\n");
    }
    if (result.differences.empty()) return;
    std::string list;
    constexpr std::size_t kShown = 20;
    for (std::size_t i = 0; i < result.differences.size() && i < kShown; ++i) {
      const merge::VerificationDifference& each = result.differences[i];
      list += fmt::format("\n  {}: {} {}", each.where, each.name, each.found);
    }
    if (result.differences.size() > kShown) list += fmt::format("\n  and {} more", result.differences.size() - kShown);
    std::cout.flush();
    throw CheckpointError(fmt::format("{} is not as its provenance says:{}", options->folder, list));
  });
}

}  // namespace cambium::cli
