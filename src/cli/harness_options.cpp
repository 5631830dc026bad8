#include "cli/harness_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <string_view>

#include "tensor/error.h"
#include "text/jinja_nearest.h"

namespace cambium::cli {

namespace {

// An option of the harness that has no meaning here, and what to do instead.
struct Unavailable {
  const char* name;
  const char* instead;
};

constexpr std::array kUnavailable{
    Unavailable{"--config", "give the options on the command line"},
    Unavailable{"--wandb_args", "results_*.json of --output_path can be logged from there"},
    Unavailable{"--wandb_config_args", "results_*.json of --output_path can be logged from there"},
    Unavailable{"--trackio_args", "results_*.json of --output_path can be logged from there"},
    Unavailable{"--hf_hub_log_args", "nothing is uploaded; --output_path writes the same files"},
    Unavailable{"--metadata", "it is for tasks whose data Python code makes; write the data to a file"},
};

// Accepted and without effect: what they ask for is so anyway, or concerns Python.
constexpr std::array<const char*, 4> kFlags{"--check_integrity", "--show_config", "--trust_remote_code",
                                            "--confirm_run_unsafe_code"};
constexpr std::array<const char*, 3> kIgnored{"--verbosity", "--max_batch_size", "--cache_requests"};

constexpr std::array<std::string_view, 7> kModelKeys{"pretrained", "dtype",     "max_length",   "device",
                                                     "batch_size", "tokenizer", "chat_template"};
// Of Python's loading, without meaning here.
constexpr std::array<std::string_view, 9> kIgnoredKeys{
    "trust_remote_code",   "use_fast_tokenizer", "low_cpu_mem_usage", "max_batch_size", "parallelize",
    "attn_implementation", "device_map",         "backend",           "softmax_dtype"};

std::string dashed(std::string option) {
  std::replace(option.begin() + 2, option.end(), '_', '-');
  return option;
}

std::size_t length_of(const std::string& text) {
  std::size_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw UsageError(fmt::format("--model_args: max_length must be a number of tokens, not '{}'", text));
  }
  return length;
}

void apply_model_argument(const std::string& key, const std::string& value, eval::EvalOptions& run) {
  if (key == "pretrained") {
    if (!run.model.empty() && run.model != value) {
      throw UsageError(fmt::format("two models are named: {} and --model_args pretrained={}", run.model, value));
    }
    run.model = value;
  } else if (key == "dtype") {
    run.dtype = value.starts_with("torch.") ? value.substr(6) : value;
  } else if (key == "max_length") {
    run.max_length = length_of(value);
  } else if (key == "device") {
    run.device = value;
  } else if (key == "batch_size") {
    run.batch_size = value;
  } else if (key == "tokenizer") {
    if (!run.model.empty() && value == run.model) return;
    throw UsageError("--model_args tokenizer=...: the tokenizer is the one in the model's folder; put it there");
  } else if (key == "peft" || key == "delta") {
    throw UsageError(
        fmt::format("--model_args {}=...: merge it first (`cambium merge` takes adapters as model+adapter), then "
                    "evaluate the result "
                    "or name the recipe as the model",
                    key));
  } else if (key == "revision") {
    if (value != "main") throw UsageError("--model_args revision=...: name the folder of that revision as the model");
  } else if (std::ranges::find(kIgnoredKeys, key) == kIgnoredKeys.end()) {
    throw UsageError(
        fmt::format("--model_args: '{}' is not known here.{} Known: pretrained, dtype, max_length, device, "
                    "batch_size",
                    key, text::jinja::nearest_names(key, kModelKeys)));
  }
}

void apply_model_arguments(const HarnessOptions& options, eval::EvalOptions& run) {
  // "pretrained" first: others refer to it.
  std::vector<std::pair<std::string, std::string>> arguments;
  for (const std::string& piece : comma_separated(options.model_args)) {
    const std::size_t equals = piece.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw UsageError(fmt::format("--model_args: expected key=value, found '{}'", piece));
    }
    arguments.emplace_back(piece.substr(0, equals), piece.substr(equals + 1));
  }
  std::ranges::stable_partition(arguments, [](const auto& argument) { return argument.first == "pretrained"; });
  for (const auto& [key, value] : arguments) apply_model_argument(key, value, run);
}

void check_model_type(const std::string& type) {
  static constexpr std::array<std::string_view, 5> kHere{"hf", "hf-auto", "huggingface", "hf-multimodal", "local"};
  if (type.empty() || std::ranges::find(kHere, type) != kHere.end()) return;
  throw UsageError(
      fmt::format("--model {}: models are evaluated in this process (--model hf, which may be left out); "
                  "name the model's folder",
                  type));
}

// The last value that was meant as the model: it stands behind an option that takes several.
void take_model(const std::vector<std::vector<std::string>*>& lists, eval::EvalOptions& run) {
  if (!run.model.empty()) return;
  for (std::vector<std::string>* list : lists) {
    if (list->size() < 2) continue;
    const bool there = std::filesystem::exists(list->back());
    if (!there && list->back().find('/') == std::string::npos) continue;
    run.model = list->back();
    list->pop_back();
    return;
  }
  throw UsageError("name the model: `cambium eval MODEL --tasks ...` (a folder, org/name or a recipe)");
}

}  // namespace

std::string both_spellings(const std::string& option) {
  const std::string other = dashed(option);
  return other == option ? option : option + "," + other;
}

std::vector<std::string> comma_separated(const std::vector<std::string>& given) {
  std::vector<std::string> pieces;
  for (const std::string& one : given) {
    for (std::size_t begin = 0; begin <= one.size();) {
      const std::size_t end = std::min(one.find(',', begin), one.size());
      if (end > begin) pieces.push_back(one.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return pieces;
}

void add_harness_options(CLI::App& command, HarnessOptions& options, eval::EvalOptions& run) {
  const char* const group = "lm-evaluation-harness's spellings";
  command.add_option("-M,--model", options.model_type, "hf, which may be left out")->group(group);
  command
      .add_option("-a," + both_spellings("--model_args"), options.model_args,
                  "pretrained=MODEL,dtype=...,max_length=...: the same as MODEL, --dtype, --max_length")
      ->group(group);
  command
      .add_flag("-w," + both_spellings("--write_out"), run.write_out, "print the prompts of each task's first document")
      ->group(group);
  for (const char* flag : kFlags) {
    command
        .add_flag(
            both_spellings(flag), [](std::int64_t) {}, "has no effect here")
        ->group("");
  }
  for (const char* name : kIgnored) {
    const std::string names =
        std::string_view(name) == "--verbosity" ? "-v," + both_spellings(name) : both_spellings(name);
    command
        .add_option_function<std::string>(
            names, [](const std::string&) {}, "has no effect here")
        ->expected(0, 1)
        ->group("");
  }
  for (const Unavailable& one : kUnavailable) {
    const std::string message = fmt::format("{} is not here: {}", one.name, one.instead);
    command
        .add_option_function<std::vector<std::string>>(
            both_spellings(one.name),
            [&options, message](const std::vector<std::string>&) { options.unavailable.push_back(message); },
            "is not here")
        ->expected(0, -1)
        ->group("");
  }
}

void apply_harness_options(HarnessOptions& options, const std::vector<std::vector<std::string>*>& lists,
                           eval::EvalOptions& run) {
  if (!options.unavailable.empty()) throw UsageError(options.unavailable.front());
  check_model_type(options.model_type);
  const auto names_model = [](const std::string& piece) { return piece.starts_with("pretrained="); };
  if (!std::ranges::any_of(comma_separated(options.model_args), names_model)) take_model(lists, run);
  apply_model_arguments(options, run);
}

}  // namespace cambium::cli
