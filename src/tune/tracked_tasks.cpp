#include "tune/tracked_tasks.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "eval/evaluate.h"
#include "eval/local_backend.h"
#include "model/engine/engine.h"
#include "model/native/native_decoder.h"
#include "tasks/task_index.h"
#include "tensor/error.h"
#include "tensor/workers.h"

namespace cambium::tune {

namespace {

std::vector<std::filesystem::path> folders_of(const TrackConfig& config) {
  std::vector<std::filesystem::path> folders(config.task_folders.begin(), config.task_folders.end());
  if (folders.empty()) folders.emplace_back("tasks");
  return folders;
}

}  // namespace

struct TrackedTasks::Impl {
  tasks::TaskSet tasks;
  std::int64_t limit = 0;
};

TrackedTasks::TrackedTasks(const TrackConfig& config) : impl_(std::make_unique<Impl>()) {
  const std::vector<std::filesystem::path> folders = folders_of(config);
  tasks::DataSearch search;
  search.folders.insert(search.folders.end(), folders.begin(), folders.end());
  impl_->tasks = tasks::TaskIndex(folders).load(config.tasks, search);
  impl_->limit = config.limit;
}

TrackedTasks::~TrackedTasks() = default;

std::vector<TrackedTasks::Value> TrackedTasks::measure(const TunedModel& model, Progress& progress) const {
  const at::NoGradGuard off;
  const at::ScalarType dtype = model.dtype();
  const model::DecoderWeights weights =
      model::assemble_decoder(model.description(), model.config(), model.source().weights->label(),
                              [&](const family::TensorRole& role) { return model.value(role); });
  model::Engine engine(std::make_unique<model::NativeDecoder>(
                           model.config(), weights, dtype,
                           model::NativeDecoder::Options{.threads = default_threads(), .max_blocks = 2048}),
                       {});
  eval::LocalBackend backend(engine, {.folder = model.source().folder, .label = model.source().weights->label()});
  eval::EvaluateOptions options;
  options.prompts.limit = static_cast<double>(impl_->limit);
  options.scores.bootstrap_draws = 0;
  const eval::Evaluation result = eval::evaluate(backend, impl_->tasks, options, nullptr, progress);
  std::vector<Value> values;
  for (const eval::TaskOutcome& outcome : result.tasks) {
    if (!outcome.error.empty()) throw RecipeError(fmt::format("track.tasks: {}", outcome.error));
    for (const tasks::MetricResult& metric : outcome.score.metrics) {
      const std::string filter = metric.filter == "none" || metric.filter.empty() ? "" : " " + metric.filter;
      values.push_back({outcome.task->name() + " " + metric.metric + filter, metric.value, metric.higher_is_better});
    }
  }
  return values;
}

}  // namespace cambium::tune
