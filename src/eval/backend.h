#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tasks/message.h"
#include "tasks/request.h"

namespace cambium::text {
class ChatTemplate;
}

namespace cambium::eval {

/// A model as evaluations see it.
struct BackendFacts {
  std::string label;        ///< as the user named it
  std::string fingerprint;  ///< equal exactly if the model is; empty: unknown, then nothing can be stored
  std::string settings;     ///< what else decides its answers: "float32, 8192 tokens"
  std::string dtype;        ///< that it computes in, "float32"
  std::uint64_t parameters = 0;
  std::size_t max_length = 0;  ///< tokens of prompt and answer together
  /// Token texts and ids; nothing where the model has none.
  using Token = std::optional<std::pair<std::string, std::int32_t>>;
  Token bos = std::nullopt, eos = std::nullopt, pad = std::nullopt;
};

/// What answering has cost so far.
struct BackendWork {
  std::size_t prompt_tokens = 0;    ///< of all questions
  std::size_t computed_tokens = 0;  ///< of these run through the model: the rest was shared
  std::size_t answer_tokens = 0;    ///< scored or generated
  std::size_t generated_tokens = 0;
};

/// One request, asked for the repeat-th time.
struct Question {
  const tasks::Request* request = nullptr;
  int repeat = 0;
};

/// Receives answers in any order, one a question, from the thread that called Backend::answer.
class AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  /// @param tokens  scored or generated
  virtual void answered(std::size_t question, tasks::Response response, std::size_t tokens) = 0;
  /// The question makes no sense to this model (too long, say); `why` names the reason.
  virtual void refused(std::size_t question, const std::string& why) = 0;
  /// The user asked to stop: what is on its way may be ended anyhow, the next answer is not taken but ends the call.
  [[nodiscard]] virtual bool is_stopping() const = 0;
};

/// Whatever can answer a task's requests: this process (LocalBackend), later an endpoint.
class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual const BackendFacts& facts() const = 0;
  [[nodiscard]] virtual BackendWork work() const = 0;
  /// Null: the model has none.
  [[nodiscard]] virtual const text::ChatTemplate* chat_template() const = 0;
  /// Answers all questions, in whatever order suits it. What the sink throws ends the call.
  virtual void answer(std::span<const Question> questions, std::uint64_t seed, AnswerSink& sink) = 0;
};

}  // namespace cambium::eval
