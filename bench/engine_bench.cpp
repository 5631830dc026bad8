// Speed of loading, prefill and decoding, one JSON line a case. usage: engine_bench MODEL [--threads N] [--dtype D]
// [--repeat N] bench/engine_peers.py runs the same cases with transformers and llama.cpp.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <random>
#include <vector>

#include "model/engine/engine_setup.h"

namespace {

using namespace cambium::model;

struct Case {
  const char* name;
  std::size_t rows, prompt, fresh;  // prompts of so many tokens, new tokens each
};
constexpr Case kCases[] = {{"decode 1", 1, 32, 96},
                           {"decode 4", 4, 32, 48},
                           {"decode 16", 16, 32, 48},
                           {"decode 64", 64, 32, 24},
                           {"prefill 8x512", 8, 512, 1}};

std::vector<GenerateRequest> requests_of(const Case& one, std::int64_t vocab, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<GenerateRequest> requests(one.rows);
  for (GenerateRequest& request : requests) {
    for (std::size_t i = 0; i < one.prompt; ++i) {
      request.prompt.ids.push_back(static_cast<std::int32_t>(100 + random() % static_cast<unsigned>(vocab - 100)));
    }
    request.max_new_tokens = one.fresh;
  }
  return requests;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"engine_bench"};
  EngineSetup setup;
  int repeat = 3;
  app.add_option("model", setup.model)->required();
  app.add_option("--threads", setup.threads);
  app.add_option("--dtype", setup.dtype);
  app.add_option("--repeat", repeat);
  CLI11_PARSE(app, argc, argv);
  setup.options.retained_blocks = 0;
  RunningModel model(setup);
  fmt::print("{{\"engine\": \"cambium\", \"case\": \"load\", \"seconds\": {:.3f}}}\n", model.load_seconds());
  for (const Case& one : kCases) {
    double best = 0;
    for (int i = 0; i < repeat; ++i) {
      const std::vector<GenerateRequest> requests =
          requests_of(one, model.engine().config().vocab_size, static_cast<unsigned>(i));
      (void)model.engine().generate(requests);
      const EngineStatistics& s = model.engine().statistics();
      const bool prefill = one.fresh == 1;
      const double rate = prefill ? static_cast<double>(s.computed_tokens) / s.seconds
                                  : static_cast<double>(s.generated_tokens - one.rows) / (s.seconds - s.prompt_seconds);
      best = std::max(best, rate);
    }
    fmt::print("{{\"engine\": \"cambium\", \"case\": \"{}\", \"tokens_per_second\": {:.1f}}}\n", one.name, best);
    std::fflush(stdout);
  }
}
