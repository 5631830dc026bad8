// Task::requests: the prompts of lm-evaluation-harness 0.4.13.
#include <fmt/format.h>

#include <algorithm>

#include "tasks/few_shot_sampler.h"
#include "tasks/task.h"
#include "tensor/error.h"
#include "text/jinja_limits.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

std::string printed_value(const Value& value) {
  jinja::Budget budget{jinja::Limits{}};
  return jinja::to_text(value, budget);
}

}  // namespace

class PromptBuilder {
 public:
  PromptBuilder(const Task& task, const PromptOptions& options)
      : task_(task), config_(task.config_), options_(options), shots_(task.num_fewshot(options)) {
    if (shots_ > 0) {
      sampler_.emplace(config_.fewshot.sampler, task.examples_, options.fewshot_seed, config_.task);
    }
    generation_ = config_.generation_kwargs;
    if (options.generation.is_dict() && generation_.is_dict()) {
      Value replaced = Value::dict();
      for (const auto& [key, value] : generation_.as_dict().entries()) replaced.as_dict().set(key.as_string(), value);
      for (const auto& [key, value] : options.generation.as_dict().entries())
        replaced.as_dict().set(key.as_string(), value);
      generation_ = std::move(replaced);
    }
  }

  std::vector<Request> run() {
    std::vector<Request> requests;
    for (const std::size_t number : task_.selected(options_)) {
      try {
        add(requests, number);
      } catch (const RecipeError& error) {
        throw RecipeError(fmt::format("{} (document {} of {})", error.what(), number, task_.documents_.size()));
      }
    }
    return requests;
  }

 private:
  /// The parts of a question, or of an example with its answer.
  struct Turn {
    std::string question;
    std::vector<std::string> choices;  ///< empty: none
    Value answer;                      ///< None: it is asked
    std::string gen_prefix;
    std::string target_delimiter;
    std::string fewshot_delimiter;
  };

  [[nodiscard]] std::string answer_text(const Turn& turn) const {
    const Value& answer = turn.answer;
    if (answer.is_integral() && !turn.choices.empty()) {
      const auto size = static_cast<std::int64_t>(turn.choices.size());
      const std::int64_t index = answer.as_int() < 0 ? answer.as_int() + size : answer.as_int();
      if (index < 0 || index >= size) {
        throw RecipeError(
            fmt::format("task '{}': the answer {} is none of {} choices", config_.task, answer.as_int(), size));
      }
      return turn.choices[static_cast<std::size_t>(index)];
    }
    const Value& one = answer.is(jinja::Type::kList) && !answer.items().empty() ? answer.items().front() : answer;
    if (!one.is_string()) {
      throw RecipeError(fmt::format("task '{}': the answer of a few-shot example is {}, expected a text", config_.task,
                                    jinja::type_name(one)));
    }
    return one.as_string();
  }

  void add_turn(std::vector<Message>& messages, const Turn& turn) const {
    const bool answered = !turn.answer.is_none() && !(turn.answer.is_string() && turn.answer.as_string().empty());
    const bool delimited = turn.gen_prefix.empty() ? answered : needs_delimiter(turn.question, turn.gen_prefix);
    messages.push_back({"user", turn.question, delimited ? turn.target_delimiter : ""});
    if (answered) {
      messages.push_back({"assistant", join_parts(turn.gen_prefix, answer_text(turn), " "), turn.fewshot_delimiter});
    } else if (!turn.gen_prefix.empty()) {
      messages.push_back({"assistant", turn.gen_prefix, ""});
    }
  }

  [[nodiscard]] std::string question_text(const Value& value) const {
    if (!value.is_string()) {
      throw RecipeError(
          fmt::format("task '{}': doc_to_text gives {}, expected a text", config_.task, jinja::type_name(value)));
    }
    return value.as_string();
  }

  void add_examples(std::vector<Message>& messages, const Value& document) {
    if (!sampler_) return;
    const bool same_rows = config_.fewshot.split == config_.test_split;
    for (const Value& example : sampler_->sample(static_cast<std::size_t>(shots_), same_rows ? &document : nullptr)) {
      Turn turn;
      Value question = task_.text(example, task_.shots_.text);
      if (task_.shots_.choice.given()) turn.choices = task_.choices(example, task_.shots_.choice);
      turn.answer = task_.target(example, task_.shots_.target);
      if (task_.has_multiple_inputs()) {
        // The question is the number of an input; what follows it is the answer.
        if (!question.is_integral() || question.as_int() < 0 ||
            static_cast<std::size_t>(question.as_int()) >= turn.choices.size()) {
          throw RecipeError(
              fmt::format("task '{}': doc_to_text of a few-shot example gives no number of a choice", config_.task));
        }
        question = Value::string(turn.choices[static_cast<std::size_t>(question.as_int())]);
        turn.choices.clear();
      }
      turn.question = question_text(question);
      turn.gen_prefix = task_.shots_.gen_prefix.given() ? task_.shots_.gen_prefix.text_of(example) : "";
      turn.target_delimiter = config_.fewshot.target_delimiter;
      turn.fewshot_delimiter = config_.fewshot.fewshot_delimiter;
      add_turn(messages, turn);
    }
  }

  [[nodiscard]] std::string written(const std::vector<Message>& messages, bool has_prefix) const {
    if (!options_.chat) return plain_text(messages);
    return options_.chat(options_.fewshot_as_multiturn ? messages : as_single_turn(messages), !has_prefix);
  }

  void add(std::vector<Request>& requests, std::size_t number) {
    const Value& document = task_.documents_[number];
    std::vector<Message> before;
    const std::string description = task_.description_.given() ? printed_value(task_.description_.of(document)) : "";
    const std::string system = join_parts(options_.system_instruction, description, config_.fewshot_delimiter);
    if (!system.empty()) before.push_back({"system", system, ""});
    add_examples(before, document);

    const std::string prefix = task_.gen_prefix_.given() ? printed_value(task_.gen_prefix_.of(document)) : "";
    std::vector<std::string> choices;
    if (task_.has_choices()) choices = task_.choices(document);
    Turn turn;
    turn.gen_prefix = prefix;
    std::vector<std::shared_ptr<const std::string>> contexts;
    if (task_.has_multiple_inputs()) {
      for (const std::string& input : choices) {
        std::vector<Message> messages = before;
        turn.question = input;
        add_turn(messages, turn);
        contexts.push_back(std::make_shared<const std::string>(written(messages, !prefix.empty())));
      }
    } else {
      turn.question = question_text(task_.text(document));
      turn.target_delimiter = config_.target_delimiter;
      add_turn(before, turn);
      contexts.push_back(std::make_shared<const std::string>(written(before, !prefix.empty())));
    }
    add_requests(requests, number, contexts, choices);
  }

  void add_requests(std::vector<Request>& requests, std::size_t number,
                    const std::vector<std::shared_ptr<const std::string>>& contexts,
                    const std::vector<std::string>& choices) const {
    const Value& document = task_.documents_[number];
    const auto media = task_.media(document);
    std::size_t index = 0;
    const auto put = [&](Request::Kind kind, const std::shared_ptr<const std::string>& context,
                         std::string continuation) {
      requests.push_back({.kind = kind,
                          .document = number,
                          .index = index++,
                          .context = context,
                          .continuation = std::move(continuation),
                          .generation = kind == Request::Kind::kGenerate ? generation_ : Value(),
                          .media = media,
                          .repeats = config_.repeats});
    };
    switch (config_.output_type) {
      case OutputType::kLogLikelihood:
        put(Request::Kind::kLogLikelihood, contexts.front(), target_text(document));
        return;
      case OutputType::kLogLikelihoodRolling:
        put(Request::Kind::kRolling, std::make_shared<const std::string>(), target_text(document));
        return;
      case OutputType::kGenerateUntil:
        put(Request::Kind::kGenerate, contexts.front(), "");
        return;
      case OutputType::kMultipleChoice:
        break;
    }
    std::string delimiter = config_.target_delimiter;
    if (options_.chat && (!config_.gen_prefix || config_.gen_prefix->empty() || ends_with_space(*config_.gen_prefix))) {
      delimiter.clear();
    }
    if (task_.has_multiple_inputs()) {
      const std::string rest = printed_value(task_.target(document));
      for (const auto& context : contexts) put(Request::Kind::kLogLikelihood, context, delimiter + rest);
    } else {
      for (const std::string& choice : choices)
        put(Request::Kind::kLogLikelihood, contexts.front(), delimiter + choice);
    }
    if (task_.uses_metric("acc_mutual_info")) {
      const auto nothing = std::make_shared<const std::string>();
      for (const std::string& choice : choices) put(Request::Kind::kLogLikelihood, nothing, delimiter + choice);
    }
  }

  [[nodiscard]] std::string target_text(const Value& document) const {
    const Value target = task_.target(document);
    if (!target.is_string()) {
      throw RecipeError(
          fmt::format("task '{}': doc_to_target gives {}, expected a text", config_.task, jinja::type_name(target)));
    }
    return target.as_string();
  }

  const Task& task_;
  const TaskConfig& config_;
  const PromptOptions& options_;
  int shots_;
  std::optional<FewShotSampler> sampler_;
  Value generation_;
};

std::vector<Request> Task::requests(const PromptOptions& options) const { return PromptBuilder(*this, options).run(); }

}  // namespace cambium::tasks
