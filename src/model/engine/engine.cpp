#include "model/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "model/engine/schedule.h"
#include "tensor/error.h"

namespace cambium::model {

std::size_t context_length(const DecoderConfig& config) {
  double stretch = 1;
  for (const RopeConfig& rope : config.ropes) {
    const bool extends = rope.type == RopeConfig::Type::kLinear || rope.type == RopeConfig::Type::kDynamic ||
                         (rope.type == RopeConfig::Type::kYarn && rope.original_max_positions >= rope.max_positions);
    if (extends) stretch = std::max(stretch, rope.factor);
  }
  return static_cast<std::size_t>(static_cast<double>(config.max_positions) * stretch);
}

struct Engine::Impl {
  std::unique_ptr<DecoderBackend> backend;
  EngineOptions options;
  RetainedPrefixes retained;
  EngineStatistics statistics;

  Impl(std::unique_ptr<DecoderBackend> b, const EngineOptions& o)
      : backend(std::move(b)),
        options(o),
        retained(backend->cache(), std::min(o.retained_blocks, backend->cache().max_blocks() / 2)) {}

  void check_ids(std::span<const std::int32_t> ids, std::size_t request) const {
    for (const std::int32_t id : ids) {
      if (id >= 0 && id < backend->config().vocab_size) continue;
      throw ValueError(fmt::format("request {}: token id {} is outside the model's vocabulary of {} rows", request, id,
                                   backend->config().vocab_size));
    }
  }

  void check_prompt(const Prompt& prompt, std::size_t more, std::size_t request) const {
    if (prompt.ids.empty()) throw ValueError(fmt::format("request {}: the prompt has no token", request));
    check_ids(prompt.ids, request);
    const std::size_t context = model::context_length(backend->config());
    if (prompt.ids.size() + more > context) {
      throw ValueError(fmt::format("request {}: {} tokens, but the model's context holds {}", request,
                                   prompt.ids.size() + more, context));
    }
    const auto hidden = static_cast<std::size_t>(backend->config().hidden_size);
    for (const EmbeddingRows& rows : prompt.embeddings) {
      if (rows.values && rows.values->size() == rows.count * hidden && rows.position + rows.count <= prompt.ids.size())
        continue;
      throw ShapeError(fmt::format(
          "request {}: {} values stand in for tokens {} to {}, expected {} a token within the prompt's {}", request,
          rows.values ? rows.values->size() : 0, rows.position, rows.position + rows.count, hidden, prompt.ids.size()));
    }
  }

  void run(std::vector<Job>& jobs, const std::function<void(std::size_t)>& finished) {
    statistics = {};
    run_schedule(*backend, options, retained, jobs, statistics, finished);
  }
};

Engine::Engine(std::unique_ptr<DecoderBackend> backend, const EngineOptions& options)
    : impl_(std::make_unique<Impl>(std::move(backend), options)) {}

Engine::~Engine() = default;

void Engine::generate(std::span<const GenerateRequest> requests, std::vector<Generation>& results,
                      const Finished& finished) {
  results.assign(requests.size(), {});
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    impl_->check_prompt(requests[i].prompt, 0, i);
    requests[i].sampling.check();
    Job job;
    job.prompt = &requests[i].prompt;
    job.ids = requests[i].prompt.ids;
    job.request = &requests[i];
    job.generation = &results[i];
    job.number = i;
    jobs.push_back(std::move(job));
  }
  impl_->run(jobs, [&](std::size_t job) {
    if (finished) finished(jobs[job].number);
  });
}

std::vector<Generation> Engine::generate(std::span<const GenerateRequest> requests) {
  std::vector<Generation> results;
  generate(requests, results);
  return results;
}

void Engine::score(std::span<const ScoreRequest> requests, std::vector<std::vector<ContinuationScore>>& results,
                   const Finished& finished) {
  results.assign(requests.size(), {});
  struct Scored {
    std::size_t request, continuation;
    std::vector<std::uint8_t> greedy;
  };
  std::vector<Job> jobs;
  std::vector<Scored> scored;
  std::vector<std::size_t> open(requests.size(), 0);  // continuations still to come
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const ScoreRequest& request = requests[i];
    results[i].resize(request.continuations.size());
    for (std::size_t c = 0; c < request.continuations.size(); ++c) {
      const std::vector<std::int32_t>& continuation = request.continuations[c];
      // The last token is scored, never read.
      impl_->check_prompt(request.context, continuation.empty() ? 0 : continuation.size() - 1, i);
      impl_->check_ids(continuation, i);
      if (continuation.empty()) continue;
      results[i][c].log_probabilities.resize(continuation.size());
      Job job;
      job.prompt = &request.context;
      job.ids = request.context.ids;
      job.ids.insert(job.ids.end(), continuation.begin(), continuation.end() - 1);
      job.number = i;
      jobs.push_back(std::move(job));
      scored.push_back({i, c, std::vector<std::uint8_t>(continuation.size())});
      ++open[i];
    }
  }
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    Scored& one = scored[j];
    const std::size_t first = requests[one.request].context.ids.size() - 1;
    const std::vector<std::int32_t>& continuation = requests[one.request].continuations[one.continuation];
    for (std::size_t t = 0; t < continuation.size(); ++t) {
      jobs[j].targets.push_back(
          {first + t, continuation[t], &results[one.request][one.continuation].log_probabilities[t], &one.greedy[t]});
    }
  }
  const auto total = [&](std::size_t job) {
    const Scored& one = scored[job];
    ContinuationScore& score = results[one.request][one.continuation];
    for (const double value : score.log_probabilities) score.log_likelihood += value;
    score.greedy = std::all_of(one.greedy.begin(), one.greedy.end(), [](std::uint8_t flag) { return flag != 0; });
    if (--open[one.request] == 0 && finished) finished(one.request);
  };
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (open[i] == 0 && finished) finished(i);
  }
  impl_->run(jobs, total);
}

std::vector<std::vector<ContinuationScore>> Engine::score(std::span<const ScoreRequest> requests) {
  std::vector<std::vector<ContinuationScore>> results;
  score(requests, results);
  return results;
}

void Engine::logits(std::span<const LogitRequest> requests) {
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const LogitRequest& request = requests[i];
    impl_->check_prompt(request.prompt, 0, i);
    Job job;
    job.prompt = &request.prompt;
    job.ids = request.prompt.ids;
    job.number = i;
    for (std::size_t p = 0; p < request.positions.size(); ++p) {
      if (request.positions[p] >= job.ids.size()) {
        throw ValueError(fmt::format("request {}: logits asked for at {}, but the prompt has {} tokens", i,
                                     request.positions[p], job.ids.size()));
      }
      job.taps.push_back({request.positions[p], p, &request});
    }
    jobs.push_back(std::move(job));
  }
  impl_->run(jobs, [](std::size_t) {});
}

const DecoderConfig& Engine::config() const { return impl_->backend->config(); }

std::size_t Engine::context_length() const { return model::context_length(config()); }

const EngineStatistics& Engine::statistics() const { return impl_->statistics; }

void Engine::forget() { impl_->retained.clear(); }

}  // namespace cambium::model
