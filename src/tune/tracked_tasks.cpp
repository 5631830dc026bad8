#include "tune/tracked_tasks.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "eval/evaluate.h"
#include "eval/local_backend.h"
#include "eval/task_search.h"
#include "model/engine/engine.h"
#include "model/native/native_decoder.h"
#include "tensor/error.h"
#include "tensor/workers.h"

namespace cambium::tune {

struct TrackedTasks::Impl {
  tasks::TaskSet tasks;
  std::int64_t limit = 0;
};

TrackedTasks::TrackedTasks(const TrackConfig& config) : impl_(std::make_unique<Impl>()) {
  eval::LoadedTasks loaded =
      eval::load_tasks(config.tasks, {.include_paths = config.task_folders, .data_roots = config.task_folders});
  if (!loaded.errors.empty()) throw RecipeError(fmt::format("track.tasks: {}", loaded.errors.front()));
  impl_->tasks = std::move(loaded.set);
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
  eval::LocalModel local;
  local.folder = model.source().folder;
  local.label = model.source().weights->label();
  eval::LocalBackend backend(engine, local);
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
