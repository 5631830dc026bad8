// The training side of tune_table.py: does the steps that standard input asks for and answers each with a JSON line.
//
//   tune_bench MODEL [--threads N] [--precision master|stochastic] [--states float32|bfloat16] [--recompute]
//   {"lengths": [256, 256, 256, 256], "labelled": 0.3, "seed": 0}  ->  {"seconds": ..., "cpu_seconds": ..., "loss":
//   ...}
//
// The first line it prints describes the model. `labelled` is the share of tokens at the end of each row that are
// learned.
#include <ATen/Parallel.h>
#include <ATen/ops/tensor.h>
#include <malloc.h>
#include <sys/resource.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tensor/workers.h"
#include "tune/tuned_model.h"

namespace {

using namespace cambium;

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double peak_mebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

tune::MicroBatch batch_of(const nlohmann::json& one, std::int64_t vocab) {
  std::mt19937 random(one.at("seed").get<unsigned>());
  const double share = one.at("labelled").get<double>();
  tune::MicroBatch batch;
  std::vector<std::int64_t> ids, labelled, targets;
  for (const std::int64_t length : one.at("lengths").get<std::vector<std::int64_t>>()) {
    const auto base = static_cast<std::int64_t>(ids.size());
    for (std::int64_t i = 0; i < length; ++i) {
      ids.push_back(100 + static_cast<std::int64_t>(random() % static_cast<unsigned>(vocab - 100)));
    }
    batch.rows.lengths.push_back(length);
    const auto first = static_cast<std::int64_t>(static_cast<double>(length) * (1.0 - share));
    for (std::int64_t i = std::max<std::int64_t>(first, 1); i < length; ++i) {
      labelled.push_back(base + i - 1);
      targets.push_back(ids[static_cast<std::size_t>(base + i)]);
    }
  }
  batch.rows.ids = at::tensor(at::ArrayRef<std::int64_t>(ids));
  batch.labelled = at::tensor(at::ArrayRef<std::int64_t>(labelled));
  batch.targets = at::tensor(at::ArrayRef<std::int64_t>(targets));
  return batch;
}

// Multiplications and additions of a step's matrix products, two for each weight and token, three times (forward, and
// both gradients); the head at labelled tokens only.
double step_flops(const model::DecoderConfig& c, std::int64_t tokens, std::int64_t labelled) {
  const std::int64_t layer = c.hidden_size * c.head_dim * 2 * (c.num_heads + c.num_kv_heads) +
                             c.hidden_size * c.intermediate_size * (c.gated ? 3 : 2);
  return 6.0 * (static_cast<double>(layer * c.num_layers) * static_cast<double>(tokens) +
                static_cast<double>(c.hidden_size * c.vocab_size) * static_cast<double>(labelled));
}

}  // namespace

int main(int argc, char** argv) {
  std::string model, precision = "stochastic", states = "bfloat16";
  unsigned threads = default_threads();
  bool recompute = false;
  CLI::App app{"Times tuning steps"};
  app.add_option("model", model)->required();
  app.add_option("--threads", threads);
  app.add_option("--precision", precision)->check(CLI::IsMember({"master", "stochastic"}));
  app.add_option("--states", states)->check(CLI::IsMember({"float32", "bfloat16"}));
  app.add_flag("--recompute", recompute);
  CLI11_PARSE(app, argc, argv);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  at::set_num_threads(static_cast<int>(threads));
  tune::TunedModelOptions options;
  options.dtype = at::kBFloat16;
  options.recompute = recompute;
  options.optimizer.precision =
      precision == "master" ? tune::WeightPrecision::kMaster : tune::WeightPrecision::kStochastic;
  options.optimizer.state_type = states == "bfloat16" ? at::kBFloat16 : at::kFloat;
  tune::TunedModel tuned(model::open_model(model), options);
  std::cout << nlohmann::json{{"parameters", tuned.parameters().count()}, {"threads", threads}}.dump() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const tune::MicroBatch batch = batch_of(nlohmann::json::parse(line), tuned.config().vocab_size);
    const auto wall = std::chrono::steady_clock::now();
    const double cpu = processor_seconds();
    tuned.begin_step(batch.targets.numel());
    const double loss = tuned.accumulate(batch);
    const double forward_backward = std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count();
    (void)tuned.finish_step(1e-5);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count();
    std::cout << nlohmann::json{{"seconds", seconds},
                                {"optimizer_seconds", seconds - forward_backward},
                                {"cpu_seconds", processor_seconds() - cpu},
                                {"loss", loss},
                                {"flops", step_flops(tuned.config(), batch.rows.ids.numel(), batch.targets.numel())},
                                {"peak_mib", peak_mebibytes()}}
                     .dump()
              << std::endl;
  }
  return 0;
}
