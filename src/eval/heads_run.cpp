#include "eval/heads_run.h"

#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>
#include <optional>

#include "eval/heads_questions.h"
#include "eval/heads_scoring.h"
#include "eval/media_prompts.h"
#include "eval/task_search.h"
#include "model/engine/engine.h"
#include "model/loaded_model.h"
#include "model/media/media_prompt.h"
#include "model/native/key_value_blocks.h"
#include "model/native/native_decoder.h"
#include "tensor/error.h"
#include "tensor/progress.h"
#include "tensor/workers.h"
#include "text/chat_template.h"

namespace cambium::eval {
namespace {

using model::DecoderConfig;

std::size_t size(std::int64_t value) { return static_cast<std::size_t>(value); }

std::size_t cache_blocks(const DecoderConfig& config, at::ScalarType dtype, double gib) {
  const double machine = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  const double bytes = gib > 0 ? gib * 1024 * 1024 * 1024 : machine / 4;
  const model::KeyValueShape shape{dtype == at::kFloat ? model::PanelType::kFloat32 : model::PanelType::kFloat16,
                                   size(config.num_layers), size(config.num_kv_heads), size(config.head_dim)};
  return std::max<std::size_t>(4, static_cast<std::size_t>(bytes / static_cast<double>(shape.block_bytes())));
}

std::vector<HeadSet> head_sets(const HeadsOptions& options, const DecoderConfig& config) {
  const std::size_t layers = size(config.num_layers), heads = size(config.num_heads);
  std::size_t together = 1;
  if (options.by == "kv") together = heads / size(config.num_kv_heads);
  if (options.by == "layer") together = heads;
  if (options.by != "head" && options.by != "kv" && options.by != "layer")
    throw UsageError(fmt::format("--by {}: choose head, kv or layer", options.by));
  std::vector<HeadSet> sets;
  std::vector<std::size_t> chosen = options.layers;
  if (chosen.empty()) {
    chosen.resize(layers);
    std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  }
  std::ranges::sort(chosen);
  for (const std::size_t layer : chosen) {
    if (layer >= layers)
      throw UsageError(fmt::format("--layers: there is no layer {}; the model has {}", layer, layers));
    for (std::size_t first = 0; first < heads; first += together) {
      HeadSet set;
      for (std::size_t h = first; h < first + together; ++h) set.heads.emplace_back(layer, h);
      sets.push_back(std::move(set));
    }
  }
  return sets;
}

std::vector<double> shares(std::span<const double> logs) {
  const double largest = *std::ranges::max_element(logs);
  std::vector<double> result;
  double sum = 0;
  for (const double log : logs) sum += result.emplace_back(std::exp(log - largest));
  for (double& share : result) share /= sum;
  return result;
}

/// Adds up a task's scores as they come. Sums run over questions in order, whatever order they came in.
class TaskCollector {
 public:
  TaskCollector(const TaskQuestions& questions, std::size_t masks)
      : questions_(questions), scores_(masks + 1, std::vector<std::vector<double>>(questions.questions.size())) {}

  void take(std::size_t question, std::size_t mask, std::span<const double> logs) {
    scores_[mask == kUnmasked ? 0 : mask + 1][question].assign(logs.begin(), logs.end());
  }

  HeadsTask result(std::span<const HeadSet> masks, bool keep_options) {
    HeadsTask task;
    task.name = questions_.task;
    task.questions = questions_.questions.size();
    task.documents = questions_.documents;
    const HeadsRow whole = row(0);
    task.accuracy = whole.accuracy;
    task.probability = whole.probability;
    for (std::size_t m = 0; m < masks.size(); ++m) {
      HeadsRow one = row(m + 1);
      one.layer = masks[m].heads.front().first;
      for (const auto& [layer, head] : masks[m].heads) one.heads.push_back(head);
      task.rows.push_back(std::move(one));
    }
    if (keep_options) task.options = std::move(scores_);
    return task;
  }

 private:
  [[nodiscard]] HeadsRow row(std::size_t index) const {
    HeadsRow row;
    for (std::size_t q = 0; q < questions_.questions.size(); ++q) {
      const std::vector<double>& logs = scores_[index][q];
      const std::vector<double> masked = shares(logs), whole = shares(scores_[0][q]);
      const auto best = static_cast<std::size_t>(std::ranges::max_element(logs) - logs.begin());
      row.accuracy += questions_.right[q][best] ? 1 : 0;
      for (std::size_t o = 0; o < logs.size(); ++o) {
        if (questions_.right[q][o]) row.probability += masked[o];
        // A probability that underflows has a logarithm still: differences of logs, not of shares.
        if (whole[o] > 0) row.kl += whole[o] * (log_share(scores_[0][q], o) - log_share(logs, o));
      }
    }
    const auto count = static_cast<double>(questions_.questions.size());
    row.accuracy /= count;
    row.probability /= count;
    row.kl /= count;
    return row;
  }

  static double log_share(const std::vector<double>& logs, std::size_t option) {
    const double largest = *std::ranges::max_element(logs);
    double sum = 0;
    for (const double log : logs) sum += std::exp(log - largest);
    return logs[option] - largest - std::log(sum);
  }

  const TaskQuestions& questions_;
  std::vector<std::vector<std::vector<double>>> scores_;  // [mask + 1][question][option]
};

/// Prompts with pictures, clips and sounds; the towers are loaded when a task asks for them.
class LateMediaPrompts {
 public:
  LateMediaPrompts(const model::LoadedModel& model, const text::Tokenizer& tokenizer, tasks::DataSearch data)
      : model_(model), tokenizer_(tokenizer), data_(std::move(data)) {}

  MediaPrompts::Split split(const tasks::Request& request, std::size_t max_length) {
    if (!prompts_) {
      towers_ = model::load_media(model_);
      prompts_ = std::make_unique<MediaPrompts>(towers_, tokenizer_, model_.source.folder, data_);
    }
    return prompts_->split(request, max_length);
  }

 private:
  const model::LoadedModel& model_;
  const text::Tokenizer& tokenizer_;
  tasks::DataSearch data_;
  model::MediaTowers towers_;
  std::unique_ptr<MediaPrompts> prompts_;
};

void run(const HeadsOptions& options, HeadsReport& report) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  if (options.tasks.empty()) throw UsageError("name at least one task with --tasks");
  const LoadedTasks loaded = load_tasks(options.tasks, {options.include_paths, options.data_roots});
  if (!loaded.errors.empty()) throw RecipeError(loaded.errors.front());

  Clock::time_point begin = Clock::now();
  model::LoadedModel model = model::load_model(model::open_model(options.model), model::dtype_option(options.dtype));
  model::NativeDecoder decoder(model.config, model.weights, model.dtype,
                               {.threads = options.threads == 0 ? default_threads() : options.threads,
                                .max_blocks = cache_blocks(model.config, model.dtype, options.cache_gib)});
  report.load_seconds = seconds_since(begin);
  begin = Clock::now();
  const text::Tokenizer tokenizer = text::Tokenizer::from_folder(model.source.folder);
  LateMediaPrompts media(model, tokenizer, loaded.data);
  std::optional<text::ChatTemplate> chat;
  tasks::PromptOptions prompts;
  prompts.num_fewshot = options.num_fewshot;
  prompts.limit = options.limit;
  if (options.apply_chat_template) {
    if (!text::ChatTemplate::exists_in(model.source.folder))
      throw UsageError(fmt::format("--apply_chat_template: {} has no chat template", options.model));
    chat = text::ChatTemplate::from_folder(model.source.folder);
    prompts.chat = tasks::chat_renderer(*chat);
  }
  const std::vector<HeadSet> sets = head_sets(options, model.config);
  report.model = options.model;
  report.layers = size(model.config.num_layers);
  report.heads = size(model.config.num_heads);

  for (const auto& task : loaded.set.tasks) {
    const std::size_t longest = model::context_length(model.config);
    const TaskQuestions questions =
        task_questions(*task, prompts, tokenizer, longest,
                       [&](const tasks::Request& request) { return media.split(request, longest); });
    TaskCollector collector(questions, sets.size());
    const std::uint64_t total = questions.questions.size() * (sets.size() + 1);
    options.progress->begin(task->name(), total, "evaluations");
    std::uint64_t reported = 0;
    MaskedScoringOptions scoring;
    scoring.progress = [&](double share) {
      const auto now = static_cast<std::uint64_t>(share * static_cast<double>(total));
      options.progress->advance(now - std::min(now, reported));
      reported = std::max(now, reported);
      if (options.progress->stop_requested()) throw Interrupted("stopped; nothing was written");
    };
    score_masked(decoder, questions.questions, sets, scoring,
                 [&](std::size_t question, std::size_t mask, std::span<const double> logs) {
                   collector.take(question, mask, logs);
                 });
    report.tasks.push_back(collector.result(sets, options.keep_options));
  }
  report.seconds = seconds_since(begin);
}

}  // namespace
}  // namespace cambium::eval

void cambium_heads(const cambium::eval::HeadsOptions& options, cambium::eval::HeadsReport& report) {
  cambium::eval::run(options, report);
}
