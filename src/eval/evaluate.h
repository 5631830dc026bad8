#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "eval/backend.h"
#include "tasks/group_score.h"
#include "tasks/score.h"
#include "tasks/task_index.h"
#include "tensor/progress.h"

namespace cambium::eval {

class Store;

struct EvaluateOptions {
  tasks::PromptOptions prompts;
  tasks::ScoreOptions scores;
  std::map<std::string, std::vector<std::size_t>> samples;  ///< by task: these documents alone
  std::uint64_t seed = 1234;                                ///< of sampled generations
  tasks::DataSearch data;                                   ///< where pictures, sounds and clips are
  // For the store.
  std::string run_name;             ///< empty: the model's label
  std::string options_json = "{}";  ///< what the user asked for
  std::string version;              ///< of the program
  std::string chat_template;        ///< text of the template that prompts.chat renders with
};

/// What became of one task.
struct TaskOutcome {
  const tasks::Task* task = nullptr;
  std::string error;  ///< not empty: it failed, and this is why; then there is no score
  int num_fewshot = 0;
  std::vector<tasks::Request> requests;
  std::vector<std::vector<tasks::Response>> responses;  ///< of each request, as many as its repeats
  tasks::TaskScore score;
};

struct Evaluation {
  std::vector<TaskOutcome> tasks;         ///< in the order of the task set
  std::vector<tasks::GroupScore> groups;  ///< subgroups before their groups
  std::size_t questions = 0;              ///< requests times repeats
  std::size_t computed = 0;  ///< of these answered by the model; the others came from the store or were equal
  double seconds = 0;
  std::string store_error;  ///< not empty: the store could not be written (a full disk, say); the results are complete
  [[nodiscard]] const TaskOutcome* find(const std::string& task) const;
};

/// Asks the model all requests of all tasks at once (equal ones once), scores each task when its last answer is there.
///
/// A task that fails leaves the others' results: its outcome holds the message. With a store, answers that are there
/// are not computed again, new ones are stored as they come, and an interrupted call leaves a run that the next equal
/// call completes.
///
/// To evaluate weights in memory (a trainer at a checkpoint, say):
///
///   model::Engine engine(std::make_unique<model::NativeDecoder>(config, weights, dtype, decoder_options), {});
///   LocalBackend backend(engine, {.folder = model_folder, .label = "step 100"});  // tokenizer and template from the
///   folder EvaluateOptions options; options.prompts.limit = 50; const Evaluation result = evaluate(backend,
///   task_index.load({"gsm8k"}, {}), options, nullptr, progress); result.find("gsm8k")->score.metrics[0].value
///
/// @param store  may be null
/// @throws Interrupted  the user asked to stop
[[nodiscard]] Evaluation evaluate(Backend& backend, const tasks::TaskSet& tasks, const EvaluateOptions& options,
                                  Store* store, Progress& progress);

}  // namespace cambium::eval
