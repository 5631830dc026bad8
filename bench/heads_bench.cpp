// Head study against evaluating the questions again with each head switched off, in one process: the same weights,
// kernels and prompts. usage: heads_bench MODEL [--questions 50] [--tokens 40] [--option-tokens 1] [--sample 15]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <ctime>
#include <iostream>
#include <memory>
#include <random>

#include "eval/heads_scoring.h"
#include "model/engine/engine.h"
#include "model/loaded_model.h"
#include "model/native/native_decoder.h"
#include "tensor/workers.h"

namespace {

using namespace cambium;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string model, dtype = "bfloat16";
  std::size_t questions = 50, tokens = 40, option_tokens = 1, sample = 15, every = 1;
  unsigned threads = default_threads();
};

/// Wall and CPU seconds. With one thread the CPU's tell the ratio even where other work shares the machine.
struct Stopwatch {
  Clock::time_point begin = Clock::now();
  std::clock_t cpu_begin = std::clock();
  [[nodiscard]] double wall() const { return std::chrono::duration<double>(Clock::now() - begin).count(); }
  [[nodiscard]] double cpu() const { return static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC; }
};

// Two-option questions of random tokens; the first few are common to all, as a task's form is.
std::vector<eval::MaskedQuestion> made_questions(const Options& options, std::int64_t vocabulary) {
  std::mt19937 random(7);
  const auto ids = [&](std::size_t count) {
    std::vector<std::int32_t> made;
    for (std::size_t i = 0; i < count; ++i)
      made.push_back(static_cast<std::int32_t>(random() % static_cast<std::uint32_t>(vocabulary)));
    return made;
  };
  const std::vector<std::int32_t> common = ids(4);
  std::vector<eval::MaskedQuestion> questions(options.questions);
  for (eval::MaskedQuestion& question : questions) {
    model::Prompt prompt;
    prompt.ids = common;
    const std::vector<std::int32_t> own = ids(options.tokens - common.size());
    prompt.ids.insert(prompt.ids.end(), own.begin(), own.end());
    for (int option = 0; option < 2; ++option) question.options.push_back({prompt, ids(options.option_tokens)});
  }
  return questions;
}

void run(const Options& options) {
  model::LoadedModel loaded = model::load_model(model::open_model(options.model), model::dtype_option(options.dtype));
  const auto layers = static_cast<std::size_t>(loaded.config.num_layers);
  const auto heads = static_cast<std::size_t>(loaded.config.num_heads);
  const auto decoder = [&] {
    return std::make_unique<model::NativeDecoder>(
        loaded.config, loaded.weights, loaded.dtype,
        model::NativeDecoder::Options{.threads = options.threads, .max_blocks = 4096});
  };
  const std::vector<eval::MaskedQuestion> questions = made_questions(options, loaded.config.vocab_size);
  std::vector<eval::HeadSet> masks;
  for (std::size_t l = 0; l < layers; ++l) {
    for (std::size_t h = 0; h < heads; ++h) {
      if ((l * heads + h) % options.every == 0) masks.push_back({{{l, h}}});
    }
  }

  std::vector<std::vector<double>> scores(masks.size(), std::vector<double>(questions.size() * 2));
  const auto study_decoder = decoder();
  const Stopwatch watch;
  eval::score_masked(*study_decoder, questions, masks, {},
                     [&](std::size_t question, std::size_t mask, std::span<const double> options_scores) {
                       if (mask == eval::kUnmasked) return;
                       for (std::size_t o = 0; o < 2; ++o) scores[mask][question * 2 + o] = options_scores[o];
                     });
  const double study = watch.wall(), study_cpu = watch.cpu();

  // Evaluations, spread over the layers; the first one warms up.
  model::Engine engine(decoder(), {});
  double evaluation = 0, evaluation_cpu = 0, largest = 0;
  std::size_t evaluated = 0;
  for (std::size_t i = 0; i <= options.sample; ++i) {
    const std::size_t mask = i == 0 ? 0 : (2 * i - 1) * masks.size() / (2 * options.sample);
    auto off = std::make_shared<model::HeadMask>(layers, heads);
    for (const auto& [layer, head] : masks[mask].heads) off->switch_off(layer, head);
    std::vector<model::ScoreRequest> requests;
    for (const eval::MaskedQuestion& question : questions) {
      model::ScoreRequest request;
      request.context = question.options.front().context;
      request.context.heads_off = off;
      for (const eval::MaskedOption& option : question.options) request.continuations.push_back(option.continuation);
      requests.push_back(std::move(request));
    }
    const Stopwatch one;
    const auto results = engine.score(requests);
    if (i == 0) continue;
    evaluation += one.wall();
    evaluation_cpu += one.cpu();
    ++evaluated;
    for (std::size_t q = 0; q < questions.size(); ++q) {
      for (std::size_t o = 0; o < 2; ++o)
        largest = std::max(largest, std::abs(results[q][o].log_likelihood - scores[mask][q * 2 + o]));
    }
  }
  const double scale = static_cast<double>(masks.size()) / static_cast<double>(evaluated);
  std::cout << fmt::format(
      "{} heads on {} two-option questions of {} tokens (options of {}), {} threads: study {:.1f} s; {} evaluations "
      "{:.1f} s (measured: {}); {:.2f} x; CPU {:.1f} s and {:.1f} s, {:.2f} x; largest difference of a log-likelihood "
      "{:.2g}\n",
      masks.size(), questions.size(), options.tokens, options.option_tokens, options.threads, study, masks.size(),
      evaluation * scale, evaluated, evaluation * scale / study, study_cpu, evaluation_cpu * scale,
      evaluation_cpu * scale / study_cpu, largest);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Head study against as many evaluations");
  app.add_option("model", options.model, "folder, org/name or recipe")->required();
  app.add_option("--dtype", options.dtype)->capture_default_str();
  app.add_option("--questions", options.questions)->capture_default_str();
  app.add_option("--tokens", options.tokens, "of a question")->check(CLI::Range(5, 100'000))->capture_default_str();
  app.add_option("--option-tokens", options.option_tokens)->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--sample", options.sample, "evaluations that are measured")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--every", options.every, "take only every N-th head")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--threads", options.threads)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
  } catch (const std::exception& error) {
    std::cerr << "heads_bench: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
