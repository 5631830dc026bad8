#include "eval/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <unordered_map>
#include <utility>

#include "eval/media_prompts.h"
#include "eval/request_key.h"
#include "eval/run_recorder.h"
#include "tensor/error.h"
#include "tensor/workers.h"

namespace cambium::eval {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

tasks::PromptOptions prompt_options_for(const tasks::Task& task, const EvaluateOptions& options) {
  tasks::PromptOptions prompts = options.prompts;
  if (const auto chosen = options.samples.find(task.name()); chosen != options.samples.end()) {
    prompts.samples = chosen->second;
    prompts.limit.reset();
  }
  return prompts;
}

/// One evaluation on its way.
class Evaluator final : public AnswerSink {
 public:
  Evaluator(Backend& backend, const tasks::TaskSet& tasks, const EvaluateOptions& options, Store* store,
            Progress& progress)
      : backend_(backend), set_(tasks), options_(options), progress_(progress) {
    plan();
    if (store != nullptr) recorder_.emplace(*store, backend.facts(), result_.tasks, tasks.groups, options);
    collect();
  }

  Evaluation run() {
    for (std::size_t t = 0; t < result_.tasks.size(); ++t) {
      if (!result_.tasks[t].error.empty()) {
        fail(t, result_.tasks[t].error);
      } else if (missing_[t] == 0) {
        finish(t);
      }
    }
    std::vector<Question> questions;
    for (const Asked& one : asked_) {
      const Place& place = one.places.front();
      questions.push_back({&result_.tasks[place.task].requests[place.request], place.repeat});
    }
    result_.computed = questions.size();
    progress_.begin("eval", questions.size(), "requests");
    if (!questions.empty()) {
      check_stop();
      backend_.answer(questions, options_.seed, *this);
    }
    score_groups();
    result_.seconds = seconds_since(begin_);
    record([&] { recorder_->finish(result_); });
    return std::move(result_);
  }

  void answered(std::size_t question, tasks::Response response, std::size_t tokens) override {
    check_stop();
    const Asked& asked = asked_[question];
    for (const Place& place : asked.places) {
      const tasks::Request& request = result_.tasks[place.task].requests[place.request];
      record([&] { recorder_->add(keys_[place.task][place.request], place.repeat, request, response, tokens); });
      put(place, response);
    }
    progress_.advance(1);
    for (const Place& place : asked.places) {
      if (missing_[place.task] == 0 && !done_[place.task]) finish(place.task);
    }
  }

  [[nodiscard]] bool is_stopping() const override { return progress_.stop_requested(); }

  void refused(std::size_t question, const std::string& why) override {
    for (const Place& place : asked_[question].places) {
      const TaskOutcome& outcome = result_.tasks[place.task];
      fail(place.task, fmt::format("task '{}', document {}: {}", outcome.task->name(),
                                   outcome.requests[place.request].document, why));
    }
    progress_.advance(1);
  }

 private:
  struct Place {
    std::size_t task;
    std::size_t request;
    int repeat;
  };
  /// One question to the model and all requests that it answers.
  struct Asked {
    std::vector<Place> places;
  };

  void plan() {
    result_.tasks.resize(set_.tasks.size());
    Workers workers;
    workers.for_each(set_.tasks.size(), [&](std::size_t t, unsigned) {
      TaskOutcome& outcome = result_.tasks[t];
      outcome.task = set_.tasks[t].get();
      outcome.num_fewshot = outcome.task->num_fewshot(options_.prompts);
      try {
        outcome.requests = outcome.task->requests(prompt_options_for(*outcome.task, options_));
        if (outcome.requests.empty()) {
          outcome.error = fmt::format("task '{}': no document is asked with these options", outcome.task->name());
        }
      } catch (const Error& error) {
        outcome.error = error.what();
      }
    });
    missing_.resize(result_.tasks.size());
    done_.resize(result_.tasks.size());
    keys_.resize(result_.tasks.size());
    workers.for_each(result_.tasks.size(), [&](std::size_t t, unsigned) {
      TaskOutcome& outcome = result_.tasks[t];
      outcome.responses.resize(outcome.requests.size());
      MediaContents contents(options_.data);
      for (std::size_t r = 0; r < outcome.requests.size(); ++r) {
        const tasks::Request& request = outcome.requests[r];
        outcome.responses[r].resize(static_cast<std::size_t>(request.repeats));
        missing_[t] += outcome.responses[r].size();
        std::string media;
        try {
          media = contents.content_of(request);
        } catch (const Error& error) {
          outcome.error =
              fmt::format("task '{}', document {}: {}", outcome.task->name(), request.document, error.what());
        }
        keys_[t].push_back(request_key(request, backend_.facts().settings, options_.seed, media));
      }
    });
  }

  // Takes what the store has, joins equal requests, and leaves the rest to be asked.
  void collect() {
    std::unordered_map<std::string, std::size_t> numbers;  // of asked_, by key and repeat
    for (std::size_t t = 0; t < result_.tasks.size(); ++t) {
      TaskOutcome& outcome = result_.tasks[t];
      if (!outcome.error.empty()) continue;
      std::map<std::pair<std::string, int>, StoredResponse> known;
      if (recorder_) known = recorder_->known(keys_[t]);
      for (std::size_t r = 0; r < outcome.requests.size(); ++r) {
        const tasks::Request& request = outcome.requests[r];
        result_.questions += outcome.responses[r].size();
        for (int repeat = 0; repeat < request.repeats; ++repeat) {
          const Place place{t, r, repeat};
          if (const auto found = known.find({keys_[t][r], repeat}); found != known.end()) {
            put(place, {.log_likelihood = found->second.log_likelihood,
                        .greedy = found->second.greedy,
                        .text = found->second.text});
            continue;
          }
          // A repeat of a greedy generation is the same.
          const int draw = is_sampled(request) ? repeat : 0;
          const auto [entry, is_new] = numbers.try_emplace(fmt::format("{} {}", keys_[t][r], draw), asked_.size());
          if (is_new) asked_.emplace_back();
          asked_[entry->second].places.push_back(place);
        }
      }
    }
  }

  void put(const Place& place, tasks::Response response) {
    result_.tasks[place.task].responses[place.request][static_cast<std::size_t>(place.repeat)] = std::move(response);
    --missing_[place.task];
  }

  void fail(std::size_t task, const std::string& why) {
    if (done_[task]) return;
    done_[task] = true;
    result_.tasks[task].error = why;
    record([&] { recorder_->fail_task(task, why); });
  }

  void finish(std::size_t t) {
    TaskOutcome& outcome = result_.tasks[t];
    try {
      outcome.score = tasks::score(*outcome.task, outcome.requests, outcome.responses, options_.scores);
    } catch (const Error& error) {
      fail(t, error.what());
      return;
    }
    done_[t] = true;
    record([&] { recorder_->finish_task(t, outcome, keys_[t], seconds_since(begin_)); });
  }

  // A group without one of its tasks has no number: it would be another group's.
  void score_groups() {
    std::map<std::string, tasks::TaskScore> scores;
    for (const TaskOutcome& outcome : result_.tasks) {
      if (outcome.error.empty()) scores[outcome.task->name()] = outcome.score;
    }
    for (const tasks::Group& group : set_.groups) {
      const std::vector<std::string> members = group.all_tasks();
      const auto is_there = [&](const std::string& name) { return scores.contains(name); };
      if (!std::ranges::all_of(members, is_there)) continue;
      for (tasks::GroupScore& score : tasks::score_group(group, scores)) result_.groups.push_back(std::move(score));
    }
  }

  // A store that cannot be written costs the store, not the results.
  template <typename Write>
  void record(const Write& write) {
    if (!recorder_) return;
    try {
      write();
    } catch (const SystemError& error) {
      result_.store_error = error.what();
      recorder_.reset();
    }
  }

  void check_stop() {
    if (!progress_.stop_requested()) return;
    record([&] { recorder_->flush(); });
    throw Interrupted(recorder_ ? "stopped; what was answered is in the store, the same command goes on from there"
                                : "stopped; nothing was kept (with --store FILE the same command would go on)");
  }

  Backend& backend_;
  const tasks::TaskSet& set_;
  const EvaluateOptions& options_;
  Progress& progress_;
  Clock::time_point begin_ = Clock::now();
  Evaluation result_;
  std::vector<std::vector<std::string>> keys_;  ///< of each task's requests
  std::vector<std::size_t> missing_;            ///< answers that each task waits for
  std::vector<std::uint8_t> done_;              ///< of each task: scored or failed
  std::vector<Asked> asked_;
  std::optional<RunRecorder> recorder_;
};

}  // namespace

const TaskOutcome* Evaluation::find(const std::string& task) const {
  const auto found = std::ranges::find_if(tasks, [&](const TaskOutcome& one) { return one.task->name() == task; });
  return found == tasks.end() ? nullptr : &*found;
}

Evaluation evaluate(Backend& backend, const tasks::TaskSet& tasks, const EvaluateOptions& options, Store* store,
                    Progress& progress) {
  return Evaluator(backend, tasks, options, store, progress).run();
}

}  // namespace cambium::eval
