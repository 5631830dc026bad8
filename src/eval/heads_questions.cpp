#include "eval/heads_questions.h"

#include <fmt/format.h>

#include <algorithm>

#include "eval/token_split.h"
#include "tasks/score.h"
#include "tensor/error.h"
#include "text/jinja_operators.h"

namespace cambium::eval {
namespace {

using tasks::Request;
using tasks::Response;

// Whether each option is a right one: the task's own metric is asked with all the probability on one option.
std::vector<std::vector<bool>> right_options(const tasks::Task& task, const std::vector<Request>& requests,
                                             const std::vector<std::size_t>& counts) {
  const std::size_t most = *std::ranges::max_element(counts);
  std::vector<std::vector<bool>> right(counts.size());
  for (std::size_t option = 0; option < most; ++option) {
    std::vector<std::vector<Response>> responses;
    for (const std::size_t count : counts) {
      for (std::size_t i = 0; i < count; ++i)
        responses.push_back({{.log_likelihood = i == option ? 0.0 : -1e9, .greedy = i == option, .text = {}}});
    }
    const tasks::TaskScore score = tasks::score(task, requests, responses, {.bootstrap_draws = 0});
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (option >= counts[i]) continue;
      const auto& metrics = score.samples[i].metrics;
      const auto acc = std::ranges::find(metrics, "acc", [](const auto& entry) { return entry.first; });
      if (acc == metrics.end()) {
        throw RecipeError(fmt::format("task '{}': has no metric 'acc', which tells the right option", task.name()));
      }
      right[i].push_back(text::jinja::to_double(acc->second) > 0.5);
    }
  }
  return right;
}

}  // namespace

TaskQuestions task_questions(const tasks::Task& task, const tasks::PromptOptions& options,
                             const text::Tokenizer& tokenizer, std::size_t max_length, const MediaSplitter& media) {
  const std::vector<Request> requests = task.requests(options);
  const TokenSplitter splitter(tokenizer);
  TaskQuestions made;
  made.task = task.name();
  std::vector<std::size_t> counts;
  for (std::size_t begin = 0; begin < requests.size();) {
    std::size_t end = begin;
    MaskedQuestion question;
    for (; end < requests.size() && requests[end].document == requests[begin].document; ++end) {
      const Request& request = requests[end];
      if (request.kind != Request::Kind::kLogLikelihood) {
        throw RecipeError(fmt::format(
            "task '{}': heads are studied on questions with options (output_type multiple_choice)", task.name()));
      }
      MaskedOption option;
      if (request.media != nullptr && !request.media->empty()) {
        MediaPrompts::Split split = media(request);
        option.context = std::move(split.context);
        option.continuation = std::move(split.continuation);
      } else {
        TokenSplit split = splitter.split(*request.context, request.continuation, max_length);
        option.context.ids = std::move(split.context);
        option.continuation = std::move(split.continuation);
      }
      if (option.continuation.empty())
        throw ValueError(fmt::format("task '{}', document {}: an option adds no token", task.name(), request.document));
      question.options.push_back(std::move(option));
    }
    if (question.options.size() < 2) {
      throw RecipeError(
          fmt::format("task '{}': heads are studied on questions with at least two options", task.name()));
    }
    made.documents.push_back(requests[begin].document);
    counts.push_back(end - begin);
    made.questions.push_back(std::move(question));
    begin = end;
  }
  if (made.questions.empty()) throw RecipeError(fmt::format("task '{}': no documents are asked", task.name()));
  made.right = right_options(task, requests, counts);
  return made;
}

}  // namespace cambium::eval
