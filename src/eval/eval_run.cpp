#include "eval/eval_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "eval/evaluate.h"
#include "eval/generation_settings.h"
#include "eval/harness_files.h"
#include "eval/harness_results.h"
#include "eval/json_text.h"
#include "eval/local_backend.h"
#include "eval/model_fingerprint.h"
#include "eval/result_table.h"
#include "eval/run_settings.h"
#include "eval/store/store.h"
#include "eval/task_search.h"
#include "model/engine/engine_setup.h"
#include "tensor/error.h"
#include "tensor/progress.h"
#include "text/chat_template.h"

namespace cambium::eval {

namespace {

using text::jinja::Value;

void check(const EvalOptions& options) {
  if (options.tasks.empty()) throw UsageError("name at least one task with --tasks");
  if (options.limit && !options.samples.empty()) throw UsageError("give either --limit or --samples");
  if (options.limit && !(*options.limit > 0))
    throw UsageError("--limit must be a number of documents or a share above 0");
  if (options.num_fewshot && *options.num_fewshot < 0) throw UsageError("--num_fewshot must be 0 or more");
  if (options.fewshot_as_multiturn && !options.apply_chat_template) {
    throw UsageError("--fewshot_as_multiturn makes turns of a chat: it needs --apply_chat_template");
  }
  if (options.log_samples && options.output_path.empty()) throw UsageError("--log_samples needs --output_path");
  if (options.predict_only && options.output_path.empty() && options.store.empty()) {
    throw UsageError("--predict_only keeps answers without scoring them: it needs --output_path or --store");
  }
}

model::EngineSetup setup_of(const EvalOptions& options) {
  model::EngineSetup setup;
  setup.model = options.model;
  setup.dtype = options.dtype;
  setup.device = options.device;
  setup.threads = options.threads;
  setup.cache_gib = options.cache_gib;
  return setup;
}

// What shaped the run, for whoever reads the store.
std::string options_json(const EvalOptions& options) {
  Value dict = Value::dict({{"model", Value::string(options.model)}});
  const auto set = [&](std::string_view key, Value value) { dict.as_dict().set(key, std::move(value)); };
  std::vector<Value> names;
  for (const std::string& task : options.tasks) names.push_back(Value::string(task));
  set("tasks", Value::list(std::move(names)));
  if (options.num_fewshot) set("num_fewshot", Value::integer(*options.num_fewshot));
  if (options.limit) set("limit", Value::real(*options.limit));
  if (!options.samples.empty()) set("samples", Value::string(options.samples));
  set("apply_chat_template", Value::boolean(options.apply_chat_template));
  set("fewshot_as_multiturn", Value::boolean(options.fewshot_as_multiturn));
  if (!options.system_instruction.empty()) set("system_instruction", Value::string(options.system_instruction));
  if (Value arguments = parse_generation_arguments(options.gen_kwargs); !arguments.is_none()) {
    set("gen_kwargs", std::move(arguments));
  }
  if (!options.seed.empty()) set("seed", Value::string(options.seed));
  set("dtype", Value::string(options.dtype));
  return json_text(dict);
}

EvaluateOptions evaluate_options(const EvalOptions& options) {
  EvaluateOptions result;
  const Seeds seeds = parse_seeds(options.seed);
  result.prompts.num_fewshot = options.num_fewshot;
  result.prompts.system_instruction = options.system_instruction;
  result.prompts.fewshot_as_multiturn = options.fewshot_as_multiturn;
  result.prompts.fewshot_seed = static_cast<std::uint64_t>(seeds.fewshot);
  result.prompts.generation = parse_generation_arguments(options.gen_kwargs);
  // A slip in --gen_kwargs is one of the command, not of each task.
  static_cast<void>(generation_settings(result.prompts.generation, {}));
  result.prompts.limit = options.limit;
  result.samples = parse_samples(options.samples);
  result.scores.predict_only = options.predict_only;
  result.seed = static_cast<std::uint64_t>(seeds.torch);
  result.run_name = options.run_name;
  result.options_json = options_json(options);
  result.version = options.version;
  return result;
}

void check_samples(const EvaluateOptions& options, const tasks::TaskSet& set) {
  for (const auto& [task, numbers] : options.samples) {
    if (set.find(task) == nullptr)
      throw UsageError(fmt::format("--samples names '{}', which is none of the tasks", task));
  }
}

void apply_chat_template(EvaluateOptions& options, const LocalBackend& backend, const EvalOptions& asked) {
  if (!asked.apply_chat_template) return;
  const text::ChatTemplate* chat = backend.chat_template();
  if (chat == nullptr) {
    throw UsageError(fmt::format("--apply_chat_template: {} has no chat template", asked.model));
  }
  const std::string name = asked.chat_template.empty() ? "default" : asked.chat_template;
  const std::vector<std::string> names = chat->names();
  if (std::ranges::find(names, name) == names.end()) {
    throw UsageError(fmt::format("--apply_chat_template {}: {} has no template of that name; it has {}", name,
                                 asked.model, fmt::join(names, ", ")));
  }
  options.prompts.chat = tasks::chat_renderer(*chat, asked.chat_template);
  options.chat_template = chat->source(name);
}

// The first document's requests of each task, as the model reads them.
std::string first_prompts(const Evaluation& evaluation) {
  std::string text;
  for (const TaskOutcome& outcome : evaluation.tasks) {
    for (const tasks::Request& request : outcome.requests) {
      if (request.document != outcome.requests.front().document) break;
      text += fmt::format("{}, document {}, request {}: prompt on the next line, continuation between angle brackets\n",
                          outcome.task->name(), request.document, request.index);
      text += fmt::format("{}<{}>\n\n", *request.context, request.continuation);
    }
  }
  return text;
}

Value seed_values(const EvalOptions& options) {
  const Seeds seeds = parse_seeds(options.seed);
  return Value::list({Value::integer(seeds.python), Value::integer(seeds.numpy), Value::integer(seeds.torch),
                      Value::integer(seeds.fewshot)});
}

void run(const EvalOptions& options, EvalReport& report) {
  check(options);
  EvaluateOptions settings = evaluate_options(options);
  // Whatever is wrong with tasks is said before a model is loaded.
  LoadedTasks tasks = load_tasks(options.tasks, {options.include_paths, options.data_roots});
  check_samples(settings, tasks.set);
  settings.data = tasks.data;
  std::unique_ptr<Store> store;
  if (!options.store.empty()) store = std::make_unique<Store>(options.store);

  const double date = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  model::RunningModel model(setup_of(options));
  report.load_seconds = model.load_seconds();
  LocalModel local{.folder = model.folder(),
                   .label = options.model,
                   .fingerprint = store ? model_fingerprint(model.weights(), model.folder(), options.threads) : "",
                   .dtype = model.dtype(),
                   .parameters = parameter_count(model.weights()),
                   .stop_ids = model.stop_ids(),
                   .max_length = options.max_length,
                   .threads = options.threads,
                   .media = [&model]() -> const model::MediaTowers& { return model.media(); },
                   .data = tasks.data};
  LocalBackend backend(model.engine(), std::move(local));
  apply_chat_template(settings, backend, options);
  const Evaluation evaluation = evaluate(backend, tasks.set, settings, store.get(), *options.progress);

  report.errors = tasks.errors;
  for (const TaskOutcome& outcome : evaluation.tasks) {
    if (!outcome.error.empty()) report.errors.push_back(outcome.error);
  }
  if (!evaluation.store_error.empty()) report.errors.push_back(evaluation.store_error);
  const HarnessRun harness{.evaluation = evaluation,
                           .tasks = tasks.set,
                           .facts = backend.facts(),
                           .options = settings,
                           .work = backend.work(),
                           .has_chat_template = options.apply_chat_template,
                           .batch_size = options.batch_size.empty() ? "auto" : options.batch_size,
                           .device = options.device,
                           .seeds = seed_values(options),
                           .date = date,
                           .errors = report.errors};
  const Value results = harness_results(harness, options.log_samples);
  report.json = indented_json_text(results);
  report.table = result_table(results, "results");
  if (results.as_dict().find("groups") != nullptr) report.table += "\n" + result_table(results, "groups");
  if (options.write_out) report.prompts = first_prompts(evaluation);
  report.questions = evaluation.questions;
  report.computed = evaluation.computed;
  report.seconds = evaluation.seconds;
  if (options.output_path.empty()) return;
  try {
    report.files = write_harness_files(options.output_path, results, evaluation, options.log_samples);
  } catch (const SystemError& error) {
    // The table is still printed.
    report.errors.emplace_back(error.what());
  }
}

}  // namespace

}  // namespace cambium::eval

void cambium_eval(const cambium::eval::EvalOptions& options, cambium::eval::EvalReport& report) {
  cambium::eval::run(options, report);
}
