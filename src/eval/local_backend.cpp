#include "eval/local_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "checkpoint/content_hash.h"
#include "eval/generation_settings.h"
#include "eval/media_prompts.h"
#include "eval/token_split.h"
#include "model/engine/engine.h"
#include "model/media/media_towers.h"
#include "model/text_generation.h"
#include "tensor/error.h"
#include "tensor/workers.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace cambium::eval {

namespace {

using Kind = tasks::Request::Kind;

// Bytes of text a token has, at the least: bounds the tokens of a batch before they are counted.
constexpr std::size_t kBytesPerToken = 3;
// Documents with pictures, sounds or clips in a batch: bounds the encoded ones that are in memory.
constexpr std::size_t kMediaBatch = 64;
// An odd number that spreads neighbouring seeds far apart.
constexpr std::uint64_t kSeedStep = 0x9E3779B97F4A7C15ULL;

/// Questions that are split into tokens together: those about one context.
struct QuestionGroup {
  std::vector<std::size_t> questions;
  std::vector<std::vector<TokenSplit>> splits;  ///< of each question: one, or the windows of a whole text
  std::vector<std::string> refusals;            ///< of each question; empty: none
};

/// A prompt to generate from.
struct GenerationPlan {
  std::size_t question = 0;
  GenerationSettings settings;
  model::Prompt prompt;
  std::string refusal;
};

BackendFacts::Token token_of(const text::Tokenizer& tokenizer, std::optional<text::TokenId> id) {
  if (!id) return std::nullopt;
  return std::pair{tokenizer.token(*id).value_or(""), *id};
}

bool has_media(const tasks::Request& request) { return request.media != nullptr && !request.media->empty(); }

std::size_t text_bytes(const tasks::Request& request) { return request.context->size() + request.continuation.size(); }

std::string cut_at_stops(std::string text, const std::vector<std::string>& stops) {
  for (const std::string& stop : stops) {
    if (!stop.empty()) text = text.substr(0, text.find(stop));
  }
  return text;
}

}  // namespace

struct LocalBackend::Impl {
  model::Engine& engine;
  LocalModel model;
  text::Tokenizer tokenizer;
  TokenSplitter splitter;
  GenerationDefaults defaults;
  std::optional<text::ChatTemplate> chat;
  BackendFacts facts;
  BackendWork work;
  std::unique_ptr<MediaPrompts> prompts;  ///< null until the first question with media
  Workers workers;

  Impl(model::Engine& an_engine, LocalModel a_model)
      : engine(an_engine),
        model(std::move(a_model)),
        tokenizer(text::Tokenizer::from_folder(model.folder)),
        splitter(tokenizer),
        defaults(GenerationDefaults::from_folder(model.folder)),
        workers(model.threads == 0 ? default_threads() : model.threads) {
    if (text::ChatTemplate::exists_in(model.folder)) chat = text::ChatTemplate::from_folder(model.folder);
    const auto own_length = static_cast<std::size_t>(engine.config().max_positions);
    if (model.max_length == 0) model.max_length = own_length;
    if (model.max_length > engine.context_length()) {
      throw UsageError(
          fmt::format("--max_length {}: the model reads at most {} tokens", model.max_length, engine.context_length()));
    }
    const text::SpecialTokens& special = tokenizer.special_tokens();
    if (special.eos && std::ranges::find(model.stop_ids, *special.eos) == model.stop_ids.end()) {
      model.stop_ids.push_back(*special.eos);
    }
    facts = {.label = model.label,
             .fingerprint = model.fingerprint,
             .settings = fmt::format("{}, {} tokens", model.dtype, model.max_length),
             .dtype = model.dtype,
             .parameters = model.parameters,
             .max_length = model.max_length,
             .bos = token_of(tokenizer, special.bos),
             .eos = token_of(tokenizer, special.eos),
             .pad = token_of(tokenizer, special.pad)};
  }

  // A token of the tokenizer for which the model has no row; nothing: all are fine.
  [[nodiscard]] std::string problem_with(const Tokens& tokens) const {
    for (const text::TokenId id : tokens) {
      if (id < engine.config().vocab_size) continue;
      return fmt::format("its text has the token {} ('{}'), but the model has only {} rows of embeddings", id,
                         tokenizer.token(id).value_or(""), engine.config().vocab_size);
    }
    return {};
  }

  void split(std::span<const Question> questions, QuestionGroup& group) const {
    group.splits.resize(group.questions.size());
    group.refusals.resize(group.questions.size());
    std::vector<std::string_view> continuations;
    for (const std::size_t q : group.questions) continuations.push_back(questions[q].request->continuation);
    const tasks::Request& first = *questions[group.questions.front()].request;
    const bool rolling = first.kind == Kind::kRolling;
    try {
      if (!rolling) {
        std::vector<TokenSplit> splits = splitter.split(*first.context, continuations, model.max_length);
        for (std::size_t i = 0; i < splits.size(); ++i) group.splits[i].push_back(std::move(splits[i]));
      }
    } catch (const Error&) {
      for (auto& one : group.splits) one.clear();
    }
    for (std::size_t i = 0; i < group.questions.size(); ++i) {
      try {
        // Alone, so that one question's fault is not another's.
        if (rolling) {
          group.splits[i] = splitter.windows(continuations[i], model.max_length);
        } else if (group.splits[i].empty()) {
          group.splits[i].push_back(splitter.split(*first.context, continuations[i], model.max_length));
        }
        for (const TokenSplit& one : group.splits[i]) {
          if (group.refusals[i].empty()) group.refusals[i] = problem_with(one.context);
          if (group.refusals[i].empty()) group.refusals[i] = problem_with(one.continuation);
        }
      } catch (const Error& error) {
        group.refusals[i] = error.what();
      }
    }
  }

  // Adds what the engine's last call cost.
  void count() {
    const model::EngineStatistics& statistics = engine.statistics();
    work.prompt_tokens += statistics.prompt_tokens;
    work.computed_tokens += statistics.computed_tokens;
    work.generated_tokens += statistics.generated_tokens;
  }

  void score(std::span<const Question> questions, std::span<const std::size_t> chosen, AnswerSink& sink);
  void generate(std::span<const Question> questions, std::span<const std::size_t> chosen, std::uint64_t seed,
                AnswerSink& sink);
  /// The same for questions with pictures, sounds or clips.
  void score_media(std::span<const Question> questions, std::span<const std::size_t> chosen, AnswerSink& sink);
  [[nodiscard]] GenerationPlan plan(const Question& question, std::size_t number);

  // @throws UsageError  the model reads text alone
  [[nodiscard]] MediaPrompts& media_prompts() {
    if (!prompts) {
      if (!model.media || model.media().empty()) {
        throw UsageError("it has pictures, sounds or clips, and this model reads text alone");
      }
      prompts = std::make_unique<MediaPrompts>(model.media(), tokenizer, model.folder, model.data);
    }
    return *prompts;
  }
};

void LocalBackend::Impl::score(std::span<const Question> questions, std::span<const std::size_t> chosen,
                               AnswerSink& sink) {
  std::vector<QuestionGroup> groups;
  for (const std::size_t q : chosen) {
    const tasks::Request& request = *questions[q].request;
    const tasks::Request* before = groups.empty() ? nullptr : questions[groups.back().questions.back()].request;
    const bool joins = before != nullptr && request.kind == Kind::kLogLikelihood && before->kind == request.kind &&
                       (before->context == request.context || *before->context == *request.context);
    if (!joins) groups.emplace_back();
    groups.back().questions.push_back(q);
  }
  workers.for_each(groups.size(), [&](std::size_t i, unsigned) { split(questions, groups[i]); });

  struct Place {
    std::size_t question;
    std::size_t window;
  };
  struct Sum {
    std::vector<double> parts;
    std::size_t missing = 0;
    std::size_t tokens = 0;
    bool greedy = true;
  };
  std::vector<model::ScoreRequest> requests;
  std::vector<std::vector<Place>> places;  // of each continuation
  std::vector<Sum> sums;                   // of each chosen question, in the order of the groups
  std::vector<std::size_t> numbers;        // of these questions
  for (QuestionGroup& group : groups) {
    for (std::size_t i = 0; i < group.questions.size(); ++i) {
      if (!group.refusals[i].empty()) {
        sink.refused(group.questions[i], group.refusals[i]);
        continue;
      }
      const std::size_t slot = sums.size();
      sums.push_back({.parts = std::vector<double>(group.splits[i].size()), .missing = group.splits[i].size()});
      numbers.push_back(group.questions[i]);
      if (group.splits[i].empty())
        sink.answered(group.questions[i], {.log_likelihood = 0, .greedy = true, .text = {}}, 0);
      for (std::size_t w = 0; w < group.splits[i].size(); ++w) {
        TokenSplit& one = group.splits[i][w];
        if (requests.empty() || requests.back().context.ids != one.context) {
          requests.emplace_back();
          requests.back().context.ids = std::move(one.context);
          places.emplace_back();
        }
        sums[slot].tokens += one.continuation.size();
        requests.back().continuations.push_back(std::move(one.continuation));
        places.back().push_back({slot, w});
      }
    }
  }
  groups.clear();
  std::vector<std::vector<model::ContinuationScore>> results;
  engine.score(requests, results, [&](std::size_t request) {
    for (std::size_t c = 0; c < places[request].size(); ++c) {
      const Place& place = places[request][c];
      Sum& sum = sums[place.question];
      sum.parts[place.window] = results[request][c].log_likelihood;
      sum.greedy = sum.greedy && results[request][c].greedy;
      if (--sum.missing > 0) continue;
      double total = 0;
      for (const double part : sum.parts) total += part;
      work.answer_tokens += sum.tokens;
      sink.answered(numbers[place.question], {.log_likelihood = total, .greedy = sum.greedy, .text = {}}, sum.tokens);
    }
  });
  count();
}

void LocalBackend::Impl::score_media(std::span<const Question> questions, std::span<const std::size_t> chosen,
                                     AnswerSink& sink) {
  std::vector<model::ScoreRequest> requests;
  std::vector<std::size_t> numbers;
  for (const std::size_t q : chosen) {
    try {
      MediaPrompts::Split split = media_prompts().split(*questions[q].request, model.max_length);
      requests.emplace_back();
      requests.back().context = std::move(split.context);
      requests.back().continuations.push_back(std::move(split.continuation));
      numbers.push_back(q);
    } catch (const Error& error) {
      sink.refused(q, error.what());
    }
  }
  std::vector<std::vector<model::ContinuationScore>> results;
  engine.score(requests, results, [&](std::size_t i) {
    const model::ContinuationScore& score = results[i][0];
    const std::size_t tokens = requests[i].continuations[0].size();
    work.answer_tokens += tokens;
    sink.answered(numbers[i], {.log_likelihood = score.log_likelihood, .greedy = score.greedy, .text = {}}, tokens);
  });
  count();
}

GenerationPlan LocalBackend::Impl::plan(const Question& question, std::size_t number) {
  GenerationPlan plan{.question = number, .settings = {}, .prompt = {}, .refusal = {}};
  try {
    plan.settings = generation_settings(question.request->generation, defaults);
    if (facts.eos && std::ranges::find(plan.settings.stops, facts.eos->first) == plan.settings.stops.end()) {
      plan.settings.stops.push_back(facts.eos->first);
    }
    if (plan.settings.max_new_tokens >= model.max_length) {
      throw ValueError(
          fmt::format("{} new tokens leave no room for a prompt: the model reads {} tokens in all; ask for "
                      "fewer with --gen_kwargs max_gen_toks=N",
                      plan.settings.max_new_tokens, model.max_length));
    }
    const std::size_t longest = model.max_length - plan.settings.max_new_tokens;
    if (has_media(*question.request)) {
      plan.prompt = media_prompts().prompt(*question.request, longest);
    } else {
      plan.prompt.ids = splitter.encode_prompt(*question.request->context, longest);
      plan.refusal = problem_with(plan.prompt.ids);
    }
  } catch (const Error& error) {
    plan.refusal = error.what();
  }
  return plan;
}

void LocalBackend::Impl::generate(std::span<const Question> questions, std::span<const std::size_t> chosen,
                                  std::uint64_t seed, AnswerSink& sink) {
  std::vector<GenerationPlan> plans(chosen.size());
  // Pictures are encoded one after the other, each with all threads.
  const bool with_media = !chosen.empty() && has_media(*questions[chosen.front()].request);
  const auto make = [&](std::size_t i) { plans[i] = plan(questions[chosen[i]], chosen[i]); };
  if (with_media) {
    for (std::size_t i = 0; i < chosen.size(); ++i) make(i);
  } else {
    workers.for_each(chosen.size(), [&](std::size_t i, unsigned) { make(i); });
  }
  for (const GenerationPlan& one : plans) {
    if (!one.refusal.empty()) sink.refused(one.question, one.refusal);
  }
  std::erase_if(plans, [](const GenerationPlan& one) { return !one.refusal.empty(); });

  std::vector<model::GenerateRequest> requests(plans.size());
  std::vector<std::unique_ptr<model::TextGeneration>> texts(plans.size());
  for (std::size_t i = 0; i < plans.size(); ++i) {
    requests[i].prompt = std::move(plans[i].prompt);
    requests[i].max_new_tokens = plans[i].settings.max_new_tokens;
    requests[i].sampling = plans[i].settings.sampling;
    // Each prompt and repeat has random numbers of its own, whatever is asked beside it.
    const Question& question = questions[plans[i].question];
    requests[i].sampling.seed = checkpoint::hash_text(*question.request->context).low ^
                                (seed * kSeedStep + static_cast<std::uint64_t>(question.repeat));
    requests[i].stop_ids = model.stop_ids;
    texts[i] = std::make_unique<model::TextGeneration>(tokenizer, plans[i].settings.stops);
    requests[i].on_token = [&text = *texts[i], &sink](const model::SampledToken& token) {
      return text.push(token.id) && !sink.is_stopping();
    };
  }
  std::vector<model::Generation> results;
  engine.generate(requests, results, [&](std::size_t i) {
    const std::vector<std::int32_t>& ids = results[i].ids;
    texts[i].reset();
    work.answer_tokens += ids.size();
    sink.answered(plans[i].question,
                  {.log_likelihood = 0,
                   .greedy = false,
                   .text = cut_at_stops(tokenizer.decode(ids, true), plans[i].settings.stops)},
                  ids.size());
  });
  count();
}

LocalBackend::LocalBackend(model::Engine& engine, LocalModel model)
    : impl_(std::make_unique<Impl>(engine, std::move(model))) {}

LocalBackend::~LocalBackend() = default;

const BackendFacts& LocalBackend::facts() const { return impl_->facts; }

BackendWork LocalBackend::work() const { return impl_->work; }

const text::ChatTemplate* LocalBackend::chat_template() const { return impl_->chat ? &*impl_->chat : nullptr; }

void LocalBackend::answer(std::span<const Question> questions, std::uint64_t seed, AnswerSink& sink) {
  const std::size_t batch_bytes = impl_->model.batch_tokens * kBytesPerToken;
  for (const bool generated : {false, true}) {
    for (const bool with_media : {false, true}) {
      std::vector<std::size_t> batch;
      std::size_t bytes = 0;
      const auto run = [&] {
        if (batch.empty()) return;
        if (generated) {
          impl_->generate(questions, batch, seed, sink);
        } else {
          with_media ? impl_->score_media(questions, batch, sink) : impl_->score(questions, batch, sink);
        }
        if (impl_->prompts) impl_->prompts->forget();
        batch.clear();
        bytes = 0;
      };
      for (std::size_t q = 0; q < questions.size(); ++q) {
        const tasks::Request& request = *questions[q].request;
        if ((request.kind == Kind::kGenerate) != generated || has_media(request) != with_media) continue;
        const bool is_new_document = batch.empty() || questions[batch.back()].request->document != request.document;
        if (with_media && is_new_document) bytes += batch_bytes / kMediaBatch;
        if (bytes >= batch_bytes) run();
        batch.push_back(q);
        bytes += text_bytes(request);
      }
      run();
    }
  }
}

}  // namespace cambium::eval
