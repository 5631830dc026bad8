// The engine's side of engine_table.py: runs the cases that standard input asks for and answers each with a JSON line.
//
//   engine_bench MODEL [--threads N] [--dtype D]
//   {"rows": 16, "prompt": 32, "new": 48, "seed": 0}  ->  {"seconds": ..., "cpu_seconds": ...}
//
// The first line it prints describes the model and what this machine reaches at best with so many threads.
#include <fmt/format.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "machine_ceiling.h"
#include "model/engine/engine_setup.h"

namespace {

using namespace cambium::model;

struct Clock {
  std::chrono::steady_clock::time_point wall = std::chrono::steady_clock::now();
  double cpu = processor_seconds();

  static double processor_seconds() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }
  [[nodiscard]] nlohmann::json passed() const {
    return {{"seconds", std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count()},
            {"cpu_seconds", processor_seconds() - cpu}};
  }
};

std::vector<GenerateRequest> requests_of(const nlohmann::json& one, std::int64_t vocab) {
  std::mt19937 random(one.at("seed").get<unsigned>());
  std::vector<GenerateRequest> requests(one.at("rows").get<std::size_t>());
  for (GenerateRequest& request : requests) {
    for (std::size_t i = 0; i < one.at("prompt").get<std::size_t>(); ++i) {
      request.prompt.ids.push_back(static_cast<std::int32_t>(100 + random() % static_cast<unsigned>(vocab - 100)));
    }
    request.max_new_tokens = one.at("new").get<std::size_t>();
  }
  return requests;
}

// Weights that the products of one token read: attention, feed-forward (without the head).
std::int64_t layer_weights(const DecoderConfig& config) {
  const std::int64_t attention = config.hidden_size * config.head_dim * 2 * (config.num_heads + config.num_kv_heads);
  return config.num_layers * (attention + config.hidden_size * config.intermediate_size * (config.gated ? 3 : 2));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs generation cases from standard input (see engine_table.py)"};
  EngineSetup setup;
  app.add_option("model", setup.model)->required();
  app.add_option("--threads", setup.threads);
  app.add_option("--dtype", setup.dtype);
  CLI11_PARSE(app, argc, argv);
  setup.options.retained_blocks = 0;  // every prompt is computed
  RunningModel model(setup);
  const DecoderConfig& config = model.engine().config();
  const cambium::bench::MachineCeiling ceiling = cambium::bench::measure_ceiling(setup.threads);
  std::cout << nlohmann::json{{"load_seconds", model.load_seconds()},
                              {"layer_weights", layer_weights(config)},
                              {"head_weights", config.vocab_size * config.hidden_size},
                              {"bytes_per_second", ceiling.bytes_per_second},
                              {"float_operations_per_second", ceiling.float_operations_per_second},
                              {"bf16_operations_per_second", ceiling.bf16_operations_per_second}}
            << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const std::vector<GenerateRequest> requests = requests_of(nlohmann::json::parse(line), config.vocab_size);
    const Clock clock;
    (void)model.engine().generate(requests);
    std::cout << clock.passed() << std::endl;
  }
}
