#pragma once

#include <string>
#include <vector>

#include "eval/eval_run.h"

namespace CLI {
class App;
}

namespace cambium::cli {

/// What users of lm-evaluation-harness type by habit and what this program says differently: --model_args
/// pretrained=..., --use_cache, several values behind one option, options of things that are not here.
struct HarnessOptions {
  std::string model_type;                ///< --model
  std::vector<std::string> model_args;   ///< --model_args: key=value, with commas or spaces
  std::vector<std::string> unavailable;  ///< options of the harness that mean nothing here, as they were given
};

/// Both spellings for CLI11: "--num_fewshot,--num-fewshot"; a name without underscores as it is.
[[nodiscard]] std::string both_spellings(const std::string& option);

/// The names between commas of all values.
[[nodiscard]] std::vector<std::string> comma_separated(const std::vector<std::string>& given);

/// Adds them to the command. @param options, run  must live as long as the command
void add_harness_options(CLI::App& command, HarnessOptions& options, eval::EvalOptions& run);

/// Puts them into the run's options.
/// @param lists  values of options that take several; without a model the last one that is left over is the model
///               (`eval --tasks a,b MODEL`)
/// @throws UsageError  an option that is not here, with what to do instead; an unknown --model or key of --model_args;
///                     no model
void apply_harness_options(HarnessOptions& options, const std::vector<std::vector<std::string>*>& lists,
                           eval::EvalOptions& run);

}  // namespace cambium::cli
