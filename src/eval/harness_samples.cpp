// harness_samples and task hashes: lm-evaluation-harness's view of single samples.
#include <limits>

#include "eval/harness_results.h"
#include "eval/harness_sample_hashes.h"
#include "eval/json_text.h"
#include "eval/sha256.h"
#include "text/jinja_print.h"

namespace cambium::eval {

namespace {

using text::jinja::Value;

Value text_value(std::string text) { return Value::string(std::move(text)); }

// Lists and tuples as they are, everything in them as Python prints it.
Value sanitized(const Value& value) {
  if (!value.is_sequence()) return text_value(python_text(value));
  std::vector<Value> items;
  for (const Value& item : value.items()) items.push_back(sanitized(item));
  return Value::list(std::move(items));
}

Value response_value(const tasks::Request& request, const tasks::Response& response) {
  switch (request.kind) {
    case tasks::Request::Kind::kLogLikelihood:
      return Value::tuple({Value::real(response.log_likelihood), Value::boolean(response.greedy)});
    case tasks::Request::Kind::kRolling:
      return Value::real(response.log_likelihood);
    case tasks::Request::Kind::kGenerate:
      return text_value(response.text);
  }
  return {};
}

Value arguments_of(const tasks::Request& request) {
  Value arguments = Value::dict();
  if (request.kind == tasks::Request::Kind::kRolling) {
    arguments.as_dict().set("arg_0", text_value(request.continuation));
    return arguments;
  }
  arguments.as_dict().set("arg_0", text_value(*request.context));
  arguments.as_dict().set(
      "arg_1", request.kind == tasks::Request::Kind::kGenerate ? request.generation : text_value(request.continuation));
  if (request.media != nullptr && !request.media->empty()) {
    arguments.as_dict().set("arg_2", Value::dict({{"visual", Value::list(request.media->images)},
                                                  {"audio", Value::list(request.media->sounds)},
                                                  {"video", Value::list(request.media->clips)}}));
  }
  return arguments;
}

Value sample_row(const TaskOutcome& outcome, const tasks::SampleScore& sample) {
  const Value& document = outcome.task->documents()[sample.document];
  const SampleHashes hashes = sample_hashes(outcome, sample);
  Value arguments = Value::dict();
  std::vector<Value> responses;
  for (std::size_t i = 0; i < sample.request_count; ++i) {
    const tasks::Request& request = outcome.requests[sample.first_request + i];
    arguments.as_dict().set("gen_args_" + std::to_string(i), arguments_of(request));
    std::vector<Value> answers;
    for (const tasks::Response& response : outcome.responses[sample.first_request + i]) {
      answers.push_back(sanitized(response_value(request, response)));
    }
    responses.push_back(Value::list(std::move(answers)));
  }
  std::vector<Value> metrics;
  for (const auto& [name, value] : sample.metrics) metrics.push_back(text_value(name));
  Value row = Value::dict({{"doc_id", Value::integer(static_cast<std::int64_t>(sample.document))},
                           {"doc", document},
                           {"target", text_value(python_text(sample.target))},
                           {"arguments", arguments},
                           {"resps", Value::list(std::move(responses))},
                           {"filtered_resps", sanitized(Value::list(sample.responses))},
                           {"filter", text_value(sample.filter)},
                           {"metrics", Value::list(std::move(metrics))},
                           {"doc_hash", text_value(hashes.document)},
                           {"prompt_hash", text_value(hashes.prompt)},
                           {"target_hash", text_value(hashes.target)}});
  for (const auto& [name, value] : sample.metrics) row.as_dict().set(name, value);
  return row;
}

}  // namespace

std::string python_text(const Value& value) {
  text::jinja::Budget budget(text::jinja::Limits{.max_work = std::numeric_limits<std::size_t>::max(),
                                                 .max_nesting = 1'000,
                                                 .max_text_bytes = std::numeric_limits<std::size_t>::max()});
  return text::jinja::to_text(value, budget);
}

SampleHashes sample_hashes(const TaskOutcome& outcome, const tasks::SampleScore& sample) {
  const tasks::Request& first = outcome.requests[sample.first_request];
  const bool rolling = first.kind == tasks::Request::Kind::kRolling;
  return {.document = sha256(indented_json_text(outcome.task->documents()[sample.document])),
          .prompt = sha256(rolling ? first.continuation : *first.context),
          .target = sha256(python_text(sample.target))};
}

std::vector<std::string> harness_samples(const TaskOutcome& outcome) {
  std::vector<std::string> rows;
  for (const tasks::SampleScore& sample : outcome.score.samples) rows.push_back(json_text(sample_row(outcome, sample)));
  return rows;
}

}  // namespace cambium::eval
