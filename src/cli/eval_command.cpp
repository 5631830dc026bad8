#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/engine_library.h"
#include "cli/harness_options.h"
#include "cli/terminal_progress.h"
#include "cli/text_table.h"
#include "eval/eval_run.h"
#include "tensor/error.h"

namespace cambium::cli {

namespace {

struct EvalFlags {
  eval::EvalOptions run;
  HarnessOptions harness;
  std::vector<std::string> tasks;
  std::string multiturn;
  bool multiturn_given = false;
  int num_fewshot = 0;
  double limit = 0;
  bool json = false;
};

bool truth(const std::string& word) {
  if (word.empty() || word == "true" || word == "True" || word == "1" || word == "yes") return true;
  if (word == "false" || word == "False" || word == "0" || word == "no") return false;
  throw UsageError(fmt::format("--fewshot_as_multiturn {}: expected true or false", word));
}

void evaluate(EvalFlags& flags) {
  eval::EvalOptions& options = flags.run;
  apply_harness_options(flags.harness, {&flags.tasks, &options.gen_kwargs, &flags.harness.model_args}, options);
  options.tasks = comma_separated(flags.tasks);
  if (flags.multiturn_given) options.fewshot_as_multiturn = truth(flags.multiturn);
  options.version = CAMBIUM_VERSION;
  eval::EvalReport report;
  {
    TerminalProgress progress;
    options.progress = &progress;
    engine_function<decltype(cambium_eval)>("cambium_eval")(options, report);
  }
  if (flags.json) {
    std::cout << report.json << '\n';
  } else {
    std::cout << report.prompts << report.table;
    std::cout << fmt::format("{} requests, {} of them computed, in {} (model loaded in {})\n", report.questions,
                             report.computed, human_seconds(report.seconds), human_seconds(report.load_seconds));
    for (const std::string& file : report.files) std::cout << "wrote " << file << '\n';
  }
  if (report.errors.empty()) return;
  std::string message;
  for (const std::string& error : report.errors) message += (message.empty() ? "" : "\ncambium: ") + error;
  throw Error(message);
}

}  // namespace

void add_eval_command(CLI::App& app) {
  auto flags = std::make_shared<EvalFlags>();
  eval::EvalOptions& run = flags->run;
  CLI::App* command =
      app.add_subcommand("eval", "Run tasks of lm-evaluation-harness's format on a model, with the same numbers");
  const auto add = [&](const std::string& name, auto& value, const char* help) {
    return command->add_option(both_spellings(name), value, help);
  };
  command->add_option("model", run.model, "folder, org/name in the Hugging Face cache, or recipe");
  command
      ->add_option("-t,--tasks", flags->tasks,
                   "tasks, groups, tags, patterns or task files, separated by commas or spaces")
      ->required();
  command->add_option("-f," + both_spellings("--num_fewshot"), flags->num_fewshot,
                      "examples in front of each question");
  command->add_option("-L,--limit", flags->limit, "the first documents of each task: a number, or a share below 1");
  command->add_option("-E,--samples", run.samples, "JSON {task: [numbers of documents]}, or a file with it");
  add("--include_path", run.include_paths, "folder of more task files; may be given several times")
      ->allow_extra_args(false);
  add("--data_root", run.data_roots, "folder where tasks' data files are looked for; may be given several times")
      ->allow_extra_args(false);
  command
      ->add_option(both_spellings("--apply_chat_template"), run.chat_template,
                   "put prompts into the model's chat template; a name chooses one of several")
      ->expected(0, 1);
  command->add_option(both_spellings("--fewshot_as_multiturn"), flags->multiturn, "examples as turns of the chat")
      ->expected(0, 1);
  add("--system_instruction", run.system_instruction, "system message, in front of the tasks' descriptions");
  add("--gen_kwargs", run.gen_kwargs, "arguments of generations: key=value,... or JSON; replace the tasks' own");
  add("--max_length", run.max_length, "tokens that the model reads at most; 0: what it was made for")
      ->capture_default_str();
  command->add_option("--seed", run.seed, "one number, or python,numpy,torch,fewshot as in lm-evaluation-harness");
  command->add_option("-b," + both_spellings("--batch_size"), run.batch_size,
                      "recorded only: batches are made by memory");
  command->add_flag("-x," + both_spellings("--predict_only"), run.predict_only, "keep answers without scoring them");
  command->add_flag("-s," + both_spellings("--log_samples"), run.log_samples, "write samples_*.jsonl too");
  command->add_option("-o," + both_spellings("--output_path"), run.output_path,
                      "folder (or name.json) for results_*.json in lm-evaluation-harness's format");
  command->add_option("--store,-c,--use_cache,--use-cache", run.store,
                      "SQLite file that keeps every answer; a stopped run goes on from it");
  add("--run_name", run.run_name, "what the store calls this run; else the model");
  command->add_option("--dtype", run.dtype, "auto, float32, bfloat16 or float16")->capture_default_str();
  command->add_option("--device", run.device, "cpu, cuda or cuda:N")->capture_default_str();
  command->add_option("--threads", run.threads, "0: all CPUs")->capture_default_str();
  add("--cache_memory", run.cache_gib, "GiB for keys and values; 0: a quarter of the machine's")->capture_default_str();
  command->add_flag("--json", flags->json, "print the content of results_*.json");
  add_harness_options(*command, flags->harness, run);
  command->callback([flags, command] {
    flags->run.apply_chat_template = command->count("--apply_chat_template") > 0;
    // Without a value the option stands for "true".
    if (flags->run.chat_template == "true") flags->run.chat_template.clear();
    if (command->count("--num_fewshot") > 0) flags->run.num_fewshot = flags->num_fewshot;
    if (command->count("--limit") > 0) flags->run.limit = flags->limit;
    flags->multiturn_given = command->count("--fewshot_as_multiturn") > 0;
    evaluate(*flags);
  });
}

}  // namespace cambium::cli
