#include "tune/tune_run.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <optional>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/json.h"
#include "checkpoint/open_file.h"
#include "tensor/error.h"
#include "tensor/progress.h"
#include "tensor/workers.h"
#include "tune/forgetting_tracker.h"
#include "tune/learning_rate.h"
#include "tune/parameter_rules.h"
#include "tune/run_folder.h"
#include "tune/run_metrics.h"
#include "tune/sample_stream.h"
#include "tune/step_batch.h"
#include "tune/tune_config.h"

namespace cambium::tune {

namespace {

using checkpoint::Json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::optional<at::ScalarType> type_from(const std::string& word) {
  return word == "auto" ? std::nullopt : model::dtype_option(word);
}

const char* unit_name(MixtureUnit unit) {
  return unit == MixtureUnit::kTokens ? "tokens" : unit == MixtureUnit::kSupervised ? "supervised tokens" : "samples";
}

TunedModelOptions model_options(const TuneConfig& config, ParameterRules& rules) {
  TunedModelOptions options;
  options.dtype = type_from(config.dtype);
  options.activations = type_from(config.activations);
  options.recompute = config.recompute;
  options.optimizer = {.beta1 = config.beta1,
                       .beta2 = config.beta2,
                       .epsilon = config.epsilon,
                       .clip_norm = config.clip,
                       .precision = config.precision == "master"       ? WeightPrecision::kMaster
                                    : config.precision == "stochastic" ? WeightPrecision::kStochastic
                                                                       : WeightPrecision::kNearest,
                       .state_type = config.states == "bfloat16" ? at::kBFloat16 : at::kFloat,
                       .pull = config.pull,
                       .seed = config.seed};
  options.rule = [&rules](const family::TensorRole& role) { return rules.rule(role); };
  if (config.lora.has_value()) {
    options.lora = LoraOptions{.rank = config.lora->rank,
                               .alpha = config.lora->alpha,
                               .dropout = config.lora->dropout,
                               .rank_stabilized = config.lora->rank_stabilized,
                               .targets = config.lora->targets,
                               .init = config.lora->init,
                               .seed = config.seed};
  }
  return options;
}

// All that decides a run's numbers, as far as the configuration goes.
std::string identity_of(const TuneOptions& options) {
  std::string text = checkpoint::read_file(options.config);
  for (const auto& [path, value] : options.set) text += "\n" + path + "=" + value;
  return text;
}

class Run {
 public:
  Run(const TuneOptions& options, TuneReport& report, Progress& progress)
      : options_(options),
        report_(report),
        progress_(progress),
        config_(read_tune_config(options.config, options.set)),
        rules_(config_),
        model_(model::open_model(config_.model), model_options(config_, rules_)),
        towers_(model_.towers()),
        tokenizer_(model_.source().folder, towers_, config_.chat_template),
        stream_(config_, tokenizer_),
        reader_(model_.media().empty() ? nullptr : std::make_unique<model::MediaReader>(model_.source().folder)),
        tracker_(config_.track, tokenizer_, config_.context, reader_.get()) {
    rules_.check();
    rate_ = {.shape = schedule_from_name(config_.rate_schedule),
             .peak = config_.learning_rate,
             .floor_share = config_.floor,
             .warmup_share = config_.warmup,
             .decay_share = config_.decay};
    const auto vocabulary = static_cast<std::int64_t>(tokenizer_.tokenizer().vocabulary_size());
    if (vocabulary > model_.config().vocab_size) {
      throw UsageError(fmt::format("{}: the tokenizer has {} tokens, but the model's embedding {} rows", config_.model,
                                   vocabulary, model_.config().vocab_size));
    }
    if (model_.config().hard_context_limit && config_.context > model_.config().max_positions) {
      throw UsageError(fmt::format("context is {}, but the model has {} learned positions", config_.context,
                                   model_.config().max_positions));
    }
  }

  void run() {
    if (!options_.dry_run) {
      folder_.emplace(config_.output, identity_of(options_), options_.resume);
      report_.run_folder = folder_->path().string();
      if (folder_->complete()) return done_before();
    }
    progress_.begin("reading the data", config_.sources.size(), "sources");
    stream_.survey();
    if (tokenizer_.plain_template()) {
      report_.notes.push_back("the model has no chat template: conversations are written as USER: ... ASSISTANT: ...");
    }
    describe();
    if (options_.dry_run) return dry_run();
    folder_->list_bad_rows(stream_.bad_rows());
    report_.bad_rows_file = stream_.bad_rows().empty() ? "" : (folder_->path() / "bad_rows.jsonl").string();
    start();
    while (!finished_) {
      if (progress_.stop_requested()) {
        save_checkpoint();
        throw Interrupted(fmt::format("stopped behind step {}; go on with --resume", step_));
      }
      one_step();
    }
    finish();
  }

 private:
  void describe() {
    report_.output = config_.output;
    report_.unit = unit_name(config_.unit);
    report_.total = stream_.total();
    report_.parameters = model_.parameters().count();
    report_.trained_parameters = model_.parameters().trained_count();
    if (model_.lora() != nullptr) report_.trained_parameters += model_.lora()->parameters().trained_count();
    report_.memory_bytes = estimated_memory();
    double tokens_per_unit = 0;
    for (std::size_t i = 0; i < config_.sources.size(); ++i) {
      const SourceSurvey& survey = stream_.surveys()[i];
      double mean = 0;
      for (int j = 0; j < 100; ++j) mean += stream_.share(i, (j + 0.5) / 100) / 100;
      const double per_unit =
          (config_.batch_samples > 0 ? survey.samples : survey.tokens) / survey.amount(config_.unit);
      tokens_per_unit += mean * per_unit;
      report_.sources.push_back({.name = config_.sources[i].name,
                                 .rows = survey.rows,
                                 .bad = survey.bad,
                                 .available = survey.amount(config_.unit),
                                 .asked = mean});
    }
    const auto per_step = static_cast<double>(config_.batch_samples > 0 ? config_.batch_samples : config_.batch_tokens);
    report_.expected_steps =
        config_.steps > 0 ? config_.steps
                          : static_cast<std::int64_t>(std::ceil(stream_.total() * tokens_per_unit / per_step - 1e-6));
  }

  [[nodiscard]] double estimated_memory() const {
    const TunedModel& model = model_;
    const model::DecoderConfig& c = model.config();
    const double element = model.dtype() == at::kBFloat16 ? 2 : 4, active = model.activations() == at::kFloat ? 4 : 2;
    double bytes = static_cast<double>(model.parameters().count()) * element +
                   static_cast<double>(report_.trained_parameters) * element;
    for (const Optimizer* optimizer : model.optimizers()) bytes += static_cast<double>(optimizer->state_bytes());
    const double qkv = static_cast<double>((c.num_heads + 2 * c.num_kv_heads) * c.head_dim);
    const auto hidden = static_cast<double>(c.hidden_size), inner = static_cast<double>(c.intermediate_size);
    const double layer = config_.recompute ? hidden
                                           : 5 * hidden + qkv + static_cast<double>(c.num_heads * c.head_dim) +
                                                 inner * (c.gated ? 3 : 2);
    const auto rows = static_cast<double>(std::min(config_.micro_tokens, config_.batch_tokens));
    bytes += rows * active * layer * static_cast<double>(c.num_layers);
    return bytes +
           std::min(static_cast<double>(std::int64_t{96} << 20), rows * active * static_cast<double>(c.vocab_size));
  }

  void dry_run() {
    report_.end = "dry run";
    double seconds = 0, done = 0;
    for (int i = 0; i < 3; ++i) {
      const Clock::time_point start = Clock::now();
      const std::optional<StepBatch> batch = next_batch();
      if (!batch.has_value()) break;
      model_.begin_step(batch->supervised);
      for (const MicroBatch& part : batch->parts) (void)model_.accumulate(part);
      (void)model_.finish_step(0.0);
      // The first step pays for memory and caches.
      if (i > 0) {
        seconds += seconds_since(start);
        done += 1;
      }
    }
    if (done > 0) report_.expected_seconds = seconds / done * static_cast<double>(report_.expected_steps);
  }

  void done_before() {
    folder_->finish();
    report_.output = config_.output;
    report_.end = "done before";
  }

  void start() {
    if (config_.shift_limit > 0) {
      for (Optimizer* optimizer : model_.optimizers()) optimizer->keep_anchor();
    }
    const std::vector<std::int64_t> known = folder_->checkpoints();
    if (options_.resume && !known.empty()) {
      const Json state = folder_->restore(known.back(), model_, &averages_);
      step_ = state.at("step").get<std::int64_t>();
      tokens_ = state.at("tokens").get<std::int64_t>();
      supervised_ = state.at("supervised").get<std::int64_t>();
      next_track_ = state.at("next_track").get<std::int64_t>();
      report_.first_loss = state.at("first_loss").get<double>();
      report_.last_loss = state.at("last_loss").get<double>();
      spent_seconds_ = state.at("seconds").get<double>();
      stream_.restore(state.at("stream"));
      tracker_.restore(state.at("tracker"));
      last_saved_ = step_;
    }
    metrics_.emplace(
        MetricSinks{.folder = folder_->path(), .tensorboard = config_.tensorboard, .store = options_.store},
        MetricRun{.output = config_.output,
                  .model = config_.model,
                  .config = identity_of(options_),
                  .seed = config_.seed,
                  .version = options_.version},
        last_saved_ > 0 ? step_ : -1);
    if (step_ == 0) track();
    run_start_ = last_save_time_ = Clock::now();
    progress_.begin("tuning", static_cast<std::uint64_t>(report_.expected_steps), "steps");
    progress_.advance(static_cast<std::uint64_t>(step_));
  }

  std::optional<StepBatch> next_batch() {
    std::vector<Sample> samples;
    std::int64_t tokens = 0;
    while (true) {
      if (config_.batch_samples > 0 && static_cast<std::int64_t>(samples.size()) == config_.batch_samples) break;
      Json before = stream_.state();
      std::optional<Sample> sample = stream_.next();
      if (!sample.has_value()) break;
      const auto more = static_cast<std::int64_t>(sample->tokens.ids.size());
      if (config_.batch_samples == 0 && !samples.empty() && tokens + more > config_.batch_tokens) {
        // It opens the next step, as it would without this look ahead.
        stream_.restore(before);
        break;
      }
      tokens += more;
      samples.push_back(std::move(*sample));
    }
    if (samples.empty()) return std::nullopt;
    return pack(std::move(samples), config_.micro_tokens, reader_.get());
  }

  [[nodiscard]] double progress_now() const {
    if (config_.steps > 0) return std::min(1.0, static_cast<double>(step_) / static_cast<double>(config_.steps));
    return std::min(1.0, stream_.drawn() / stream_.total());
  }

  void one_step() {
    const Clock::time_point start = Clock::now();
    const double before = progress_now();
    const std::optional<StepBatch> batch = config_.steps > 0 && step_ >= config_.steps ? std::nullopt : next_batch();
    if (!batch.has_value()) {
      finished_ = true;
      return;
    }
    ++step_;
    at::manual_seed(config_.seed * 1'000'003 + static_cast<std::uint64_t>(step_));
    StepReport step{
        .step = step_, .progress = progress_now(), .tokens = batch->tokens, .supervised = batch->supervised};
    model_.begin_step(batch->supervised);
    for (const MicroBatch& part : batch->parts) step.loss += model_.accumulate(part);
    step.learning_rate = rate_.at(before, std::max(step.progress - before, 0.0));
    if (std::isfinite(step.loss)) {
      step.gradient_norm = model_.finish_step(step.learning_rate).gradient_norm;
    } else {
      step.gradient_norm = step.loss;
    }
    step.skipped = !std::isfinite(step.loss) || !std::isfinite(step.gradient_norm);
    step.seconds = seconds_since(start);
    tokens_ += batch->tokens;
    supervised_ += batch->supervised;
    if (step.skipped) {
      survive_bad_step(step);
    } else {
      bad_in_a_row_ = 0;
      if (config_.shift_limit > 0 && step_ % 10 == 0) rest_shifted();
      update_average();
      if (step_ == 1) report_.first_loss = step.loss;
      report_.last_loss = step.loss;
    }
    std::map<std::string, double> shares;
    for (std::size_t i = 0; i < config_.sources.size() && config_.sources.size() > 1; ++i) {
      shares["share " + config_.sources[i].name] = stream_.drawn(i) / std::max(1.0, stream_.drawn());
    }
    metrics_->step(step, shares);
    if (options_.step_done) options_.step_done(step);
    progress_.advance(1);
    const bool time_to_save =
        config_.checkpoint_steps > 0 ? step_ % config_.checkpoint_steps == 0 : seconds_since(last_save_time_) > 300;
    if (config_.track.every_tokens > 0 && tokens_ >= next_track_) track();
    if (time_to_save) save_checkpoint();
  }

  // Nothing was changed by a step that is not finite; several in a row mean that the weights are beyond repair.
  void survive_bad_step(StepReport& step) {
    step.gradient_norm = 0;
    step.loss = 0;
    if (++bad_in_a_row_ < 3) return;
    const std::vector<std::int64_t> known = folder_->checkpoints();
    if (known.empty() || ++rollbacks_ > 2) {
      throw ValueError(
          fmt::format("the loss is not a finite number in three steps in a row (up to step {}){}; lower "
                      "train.learning_rate, or look at the rows of these steps",
                      step_, rollbacks_ > 2 ? ", also behind an earlier checkpoint" : ""));
    }
    (void)folder_->restore(known.back(), model_, nullptr);
    report_.notes.push_back(
        fmt::format("step {}: weights rolled back to checkpoint {}; the data goes on", step_, known.back()));
    bad_in_a_row_ = 0;
  }

  void rest_shifted() {
    for (Optimizer* optimizer : model_.optimizers()) optimizer->rest_shifted(config_.shift_limit);
  }

  void update_average() {
    if (config_.ema == 0) return;
    const std::vector<ParameterSet*> sets = model_.sets();
    if (averages_.empty()) {
      for (ParameterSet* set : sets) averages_.push_back(set->values().detach().to(at::kFloat, false, true));
    }
    for (std::size_t i = 0; i < sets.size(); ++i) {
      averages_[i].lerp_(sets[i]->values().detach().to(at::kFloat), 1.0 - config_.ema);
    }
  }

  void save_checkpoint() {
    last_save_time_ = Clock::now();
    if (step_ == last_saved_) return;
    metrics_->flush();
    folder_->save(step_, model_, averages_,
                  {{"step", step_},
                   {"tokens", tokens_},
                   {"supervised", supervised_},
                   {"next_track", next_track_},
                   {"first_loss", report_.first_loss},
                   {"last_loss", report_.last_loss},
                   {"seconds", spent_seconds_ + seconds_since(run_start_)},
                   {"stream", stream_.state()},
                   {"tracker", tracker_.state()}},
                  config_.keep_checkpoints);
    last_saved_ = step_;
  }

  void track() {
    if (config_.track.every_tokens > 0) next_track_ = tokens_ + config_.track.every_tokens;
    if (tracker_.empty()) return;
    NoProgress quiet;
    tracker_.measure(model_, tokens_, quiet);
    last_tracked_ = step_;
    for (const CurveReport& curve : tracker_.curves()) {
      metrics_->curve(curve, step_);
      if (options_.curve_grew) options_.curve_grew(curve);
    }
    if (!config_.track.best.empty() && tracker_.best_is_last()) folder_->save_weights("best", model_);
    if (!finished_ && tracker_.over_limit()) {
      report_.end = "forgetting";
      finished_ = true;
    }
  }

  void finish() {
    if (!averages_.empty()) {
      std::size_t i = 0;
      for (Optimizer* optimizer : model_.optimizers()) optimizer->set_values(averages_[i++]);
    }
    if (last_tracked_ != step_ || !averages_.empty()) track();
    if (!config_.track.best.empty()) folder_->restore_weights("best", model_);
    progress_.begin("writing the model", 1, "folders");
    if (!config_.lora.has_value() || config_.lora->merge) {
      model_.save(config_.output, [this](const std::filesystem::path& folder) {
        if (!config_.chat_template.empty()) {
          checkpoint::write_file_atomically(folder / "chat_template.jinja",
                                            checkpoint::read_file(config_.chat_template));
        }
        if (model_.lora() != nullptr) model_.lora()->save(folder / "adapter", config_.model);
      });
    } else {
      const std::filesystem::path partial = checkpoint::CheckpointWriter::partial_folder(config_.output);
      std::filesystem::remove_all(partial);
      model_.lora()->save(partial, config_.model);
      std::filesystem::rename(partial, config_.output);
    }
    folder_->finish();
    report_.steps = step_;
    report_.tokens = tokens_;
    report_.supervised = supervised_;
    report_.seconds = spent_seconds_ + seconds_since(run_start_);
    report_.curves = tracker_.curves();
    metrics_->finish(report_.end, report_.seconds);
    for (std::size_t i = 0; i < config_.sources.size(); ++i) {
      report_.sources[i].amount = stream_.drawn(i);
      report_.sources[i].realised = stream_.drawn(i) / std::max(1.0, stream_.drawn());
    }
    folder_->list_bad_rows(stream_.bad_rows());
  }

  const TuneOptions& options_;
  TuneReport& report_;
  Progress& progress_;
  TuneConfig config_;
  ParameterRules rules_;
  TunedModel model_;
  model::MediaTowers towers_;
  RowTokenizer tokenizer_;
  SampleStream stream_;
  std::unique_ptr<model::MediaReader> reader_;
  ForgettingTracker tracker_;
  LearningRate rate_;
  std::optional<RunFolder> folder_;
  std::optional<RunMetrics> metrics_;
  std::vector<at::Tensor> averages_;
  std::int64_t step_ = 0, tokens_ = 0, supervised_ = 0, next_track_ = 0, last_saved_ = 0, last_tracked_ = -1;
  double spent_seconds_ = 0;
  int bad_in_a_row_ = 0, rollbacks_ = 0;
  bool finished_ = false;
  Clock::time_point run_start_ = Clock::now(), last_save_time_ = Clock::now();
};

}  // namespace

void run(const TuneOptions& options, TuneReport& report) {
  NoProgress nothing;
  // Activations come and go by the megabyte: given back to the system, each would cost its page faults again.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  const TuneConfig config = read_tune_config(options.config, options.set);
  at::set_num_threads(static_cast<int>(config.threads > 0 ? config.threads : default_threads()));
  Run(options, report, options.progress != nullptr ? *options.progress : nothing).run();
}

}  // namespace cambium::tune

void cambium_tune(const cambium::tune::TuneOptions& options, cambium::tune::TuneReport& report) {
  cambium::tune::run(options, report);
}
