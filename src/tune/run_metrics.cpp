#include "tune/run_metrics.h"

#include <chrono>
#include <fstream>
#include <optional>
#include <sstream>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/content_hash.h"
#include "checkpoint/json.h"
#include "eval/store/tuning_store.h"
#include "tune/event_file.h"

namespace cambium::tune {

namespace {

namespace fs = std::filesystem;
using checkpoint::Json;

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// A killed process may have left half a line: it is dropped with the steps that come again.
void rewind(const fs::path& file, std::int64_t kept_step) {
  std::ifstream in(file);
  std::ostringstream kept;
  for (std::string line; std::getline(in, line);) {
    const Json row = Json::parse(line, nullptr, false);
    if (row.is_object() && row.value("step", std::int64_t{0}) <= kept_step) kept << line << '\n';
  }
  checkpoint::write_file_atomically(file, kept.str());
}

}  // namespace

struct RunMetrics::Impl {
  std::ofstream lines;
  std::optional<EventFile> events;
  std::optional<eval::TuningStore> store;

  void line(const Json& row) { lines << row.dump() << '\n' << std::flush; }
  void number(const std::string& name, double value, std::int64_t step, double now) {
    if (events.has_value()) events->scalar(name, value, step, now);
    if (store.has_value()) store->add(step, name, value);
  }
};

RunMetrics::RunMetrics(const MetricSinks& sinks, const MetricRun& run, std::int64_t kept_step)
    : impl_(std::make_unique<Impl>()) {
  const fs::path file = sinks.folder / "metrics.jsonl";
  rewind(file, kept_step);
  impl_->lines.open(file, std::ios::app);
  if (sinks.tensorboard) impl_->events.emplace(sinks.folder, wall_seconds());
  if (sinks.store.empty()) return;
  impl_->store.emplace(sinks.store,
                       eval::NewTuning{.name = fs::path(run.output).filename().string(),
                                       .output = fs::absolute(run.output).lexically_normal().string(),
                                       .model = run.model,
                                       .config = run.config,
                                       .config_hash = checkpoint::to_string(checkpoint::hash_text(run.config)),
                                       .seed = run.seed,
                                       .version = run.version},
                       kept_step);
}

RunMetrics::~RunMetrics() = default;

void RunMetrics::step(const StepReport& step, const std::map<std::string, double>& more) {
  Json row{{"step", step.step},
           {"progress", step.progress},
           {"loss", step.loss},
           {"gradient_norm", step.gradient_norm},
           {"learning_rate", step.learning_rate},
           {"tokens", step.tokens},
           {"supervised", step.supervised},
           {"seconds", step.seconds}};
  if (step.skipped) row["skipped"] = true;
  for (const auto& [name, value] : more) row[name] = value;
  impl_->line(row);
  const double now = wall_seconds();
  impl_->number("train/loss", step.loss, step.step, now);
  impl_->number("train/gradient_norm", step.gradient_norm, step.step, now);
  impl_->number("train/learning_rate", step.learning_rate, step.step, now);
  impl_->number("train/tokens", static_cast<double>(step.tokens), step.step, now);
  impl_->number("train/supervised", static_cast<double>(step.supervised), step.step, now);
  if (step.seconds > 0) {
    impl_->number("train/tokens_per_second", static_cast<double>(step.tokens) / step.seconds, step.step, now);
  }
  for (const auto& [name, value] : more) impl_->number("mixture/" + name, value, step.step, now);
  if (impl_->events.has_value()) impl_->events->flush();
}

void RunMetrics::curve(const CurveReport& curve, std::int64_t step) {
  const auto& [tokens, value] = curve.points.back();
  impl_->line({{"step", step}, {"curve", curve.name}, {"tokens", tokens}, {"value", value}});
  impl_->number("track/" + curve.name, value, step, wall_seconds());
  if (impl_->events.has_value()) impl_->events->flush();
}

void RunMetrics::flush() {
  if (impl_->store.has_value()) impl_->store->flush();
}

void RunMetrics::finish(std::string_view end, double seconds) {
  if (impl_->store.has_value()) impl_->store->finish(end, seconds);
}

}  // namespace cambium::tune
