// merge_bench DIR: what merging costs beside copying the same bytes. Generates three checkpoints of Llama-3.2-1B's
// shapes (1.24 B parameters, bfloat16, two shards) in DIR, then takes turns: reading all inputs with cat and copying
// one with cp and sync; `cambium merge` by each method; `cambium shift`; and, with --mergekit, mergekit on the same
// recipes. Prints a Markdown table of the best times, their ratios to the copy and the peak memory. --wide adds a model
// of the width of a 70 B one, whose largest tensor has 2 GB, made of holes.
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/json.h"
#include "tensor/convert.h"
#include "tensor/error.h"
#include "tensor/workers.h"

extern char** environ;

namespace {

namespace fs = std::filesystem;
using cambium::DType;
using cambium::checkpoint::Json;
using cambium::checkpoint::OutputLayout;
using cambium::checkpoint::TensorInfo;

struct Sizes {
  std::int64_t hidden, layers, intermediate, kv_rows, vocabulary;
};

constexpr Sizes kLlama1B{.hidden = 2048, .layers = 16, .intermediate = 8192, .kv_rows = 512, .vocabulary = 128256};
constexpr Sizes kSmall{.hidden = 512, .layers = 4, .intermediate = 2048, .kv_rows = 128, .vocabulary = 16384};
constexpr Sizes kLlama70B{.hidden = 8192, .layers = 80, .intermediate = 28672, .kv_rows = 1024, .vocabulary = 128256};

std::vector<TensorInfo> tensors_of(const Sizes& sizes) {
  std::vector<TensorInfo> tensors;
  const auto add = [&](const std::string& name, cambium::Shape shape) {
    tensors.push_back({name, DType::kBF16, std::move(shape)});
  };
  add("model.embed_tokens.weight", {sizes.vocabulary, sizes.hidden});
  for (std::int64_t layer = 0; layer < sizes.layers; ++layer) {
    const std::string start = fmt::format("model.layers.{}.", layer);
    add(start + "input_layernorm.weight", {sizes.hidden});
    add(start + "mlp.down_proj.weight", {sizes.hidden, sizes.intermediate});
    add(start + "mlp.gate_proj.weight", {sizes.intermediate, sizes.hidden});
    add(start + "mlp.up_proj.weight", {sizes.intermediate, sizes.hidden});
    add(start + "post_attention_layernorm.weight", {sizes.hidden});
    add(start + "self_attn.k_proj.weight", {sizes.kv_rows, sizes.hidden});
    add(start + "self_attn.o_proj.weight", {sizes.hidden, sizes.hidden});
    add(start + "self_attn.q_proj.weight", {sizes.hidden, sizes.hidden});
    add(start + "self_attn.v_proj.weight", {sizes.kv_rows, sizes.hidden});
  }
  add("model.norm.weight", {sizes.hidden});
  return tensors;
}

void write_text(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

void write_small_files(const fs::path& folder, const Sizes& sizes, const OutputLayout& layout) {
  const Json config{{"architectures", {"LlamaForCausalLM"}},
                    {"model_type", "llama"},
                    {"vocab_size", sizes.vocabulary},
                    {"hidden_size", sizes.hidden},
                    {"intermediate_size", sizes.intermediate},
                    {"num_hidden_layers", sizes.layers},
                    {"num_attention_heads", sizes.hidden / 64},
                    {"num_key_value_heads", sizes.kv_rows / 64},
                    {"head_dim", 64},
                    {"hidden_act", "silu"},
                    {"max_position_embeddings", 8192},
                    {"rms_norm_eps", 1e-5},
                    {"rope_theta", 500000.0},
                    {"tie_word_embeddings", true},
                    {"bos_token_id", 1},
                    {"eos_token_id", 2},
                    {"torch_dtype", "bfloat16"}};
  write_text(folder / "config.json", config.dump(1));
  if (layout.shard_files.size() == 1) return;
  Json index{{"metadata", {{"total_size", layout.total_bytes}}}, {"weight_map", Json::object()}};
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    index["weight_map"][layout.tensors[i].name] = layout.shard_files[layout.places[i].shard];
  }
  write_text(folder / "model.safetensors.index.json", index.dump(1));
}

std::uint64_t scramble(std::uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

// About normal, standard deviation 1: the sum of the four 16-bit parts of a word.
float noise(std::uint64_t key, std::uint64_t index) {
  const std::uint64_t bits = scramble(key + index * 0x9E3779B97F4A7C15ULL);
  float sum = 0;
  for (int part = 0; part < 4; ++part) sum += static_cast<float>(bits >> (16 * part) & 0xFFFFU) / 65536.0F - 0.5F;
  return sum * 1.7320508F;
}

// The file's values by their place in it: the models differ by `update` on top of the same base.
void generate(const fs::path& folder, const Sizes& sizes, std::uint64_t seed, float update) {
  if (fs::exists(folder / "config.json")) return;
  fs::create_directories(folder);
  const auto tensors = tensors_of(sizes);
  std::uint64_t bytes = 0;
  for (const TensorInfo& tensor : tensors) bytes += tensor.bytes();
  const OutputLayout layout = cambium::checkpoint::plan_output(tensors, bytes * 55 / 100);
  cambium::Workers workers;
  for (std::size_t shard = 0; shard < layout.shard_files.size(); ++shard) {
    const std::string& header = layout.shard_headers[shard];
    const int file = ::open((folder / layout.shard_files[shard]).c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644);
    if (file < 0 || ::pwrite(file, header.data(), header.size(), 0) < 0)
      throw cambium::SystemError("cannot write " + folder.string());
    const std::uint64_t count = (layout.shard_file_bytes[shard] - header.size()) / 2;
    constexpr std::uint64_t kBlock = 1U << 18U;
    workers.for_each((count + kBlock - 1) / kBlock, [&](std::size_t block, unsigned) {
      const std::uint64_t first = block * kBlock;
      std::vector<float> values(std::min(kBlock, count - first));
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = 0.02F * noise(shard, first + i);
        if (update > 0) values[i] += update * noise(seed * 1000 + shard, first + i);
      }
      std::vector<std::byte> stored(values.size() * 2);
      cambium::from_float32(DType::kBF16, values, stored);
      if (::pwrite(file, stored.data(), stored.size(), static_cast<off_t>(header.size() + first * 2)) < 0) {
        throw cambium::SystemError("cannot write " + folder.string());
      }
    });
    ::close(file);
  }
  write_small_files(folder, sizes, layout);
}

// A model of zeros that takes no room: headers, and holes for the weights.
void generate_holes(const fs::path& folder, const Sizes& sizes) {
  fs::create_directories(folder);
  const OutputLayout layout = cambium::checkpoint::plan_output(tensors_of(sizes));
  for (std::size_t shard = 0; shard < layout.shard_files.size(); ++shard) {
    write_text(folder / layout.shard_files[shard], layout.shard_headers[shard]);
    fs::resize_file(folder / layout.shard_files[shard], layout.shard_file_bytes[shard]);
  }
  write_small_files(folder, sizes, layout);
}

struct Measured {
  double seconds = 0;
  double peak_mib = 0;
};

// Runs a program to its end. A failure ends the benchmark: a time of nothing done would mislead.
Measured run(const std::vector<std::string>& command, const fs::path& log) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  const auto start = std::chrono::steady_clock::now();
  pid_t child = 0;
  const int failed = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw cambium::SystemError("cannot start " + command[0]);
  int status = 0;
  rusage usage{};
  ::wait4(child, &status, 0, &usage);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::ifstream in(log);
    throw cambium::Error(
        fmt::format("{} failed: {}", fmt::join(command, " "), std::string(std::istreambuf_iterator<char>(in), {})));
  }
  return {taken.count(), static_cast<double>(usage.ru_maxrss) / 1024};
}

std::string recipe(const std::string& method, const std::vector<fs::path>& models) {
  const auto model = [&](std::size_t i, const std::string& parameters) {
    return fmt::format("- model: {}\n  parameters: {{{}}}\n", models[i].string(), parameters);
  };
  const std::string head = fmt::format("merge_method: {}\ndtype: bfloat16\n", method);
  const std::string base = fmt::format("base_model: {}\n", models[0].string());
  if (method == "linear")
    return head + "models:\n" + model(0, "weight: 0.5") + model(1, "weight: 0.3") + model(2, "weight: 0.2");
  if (method == "slerp")
    return head + base + "parameters: {t: 0.4}\nmodels:\n" + fmt::format("- model: {}\n", models[1].string());
  const std::string each = method == "task_arithmetic" ? "weight: 0.5" : "weight: 0.5, density: 0.2";
  return head + base + "models:\n" + model(1, each) + model(2, each);
}

struct Options {
  fs::path folder;
  std::string cambium = "cambium";
  std::optional<std::string> mergekit;
  std::vector<std::string> methods{"linear", "slerp", "task_arithmetic", "ties", "dare_ties", "della", "breadcrumbs"};
  unsigned rounds = 3;
  unsigned wide_layers = 0;
  bool small = false;
};

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options) {}

  void run_all() {
    const Sizes& sizes = options_.small ? kSmall : kLlama1B;
    for (const auto& [name, seed, update] : {std::tuple{"base", 0, 0.0F}, {"tuned1", 1, 2e-3F}, {"tuned2", 2, 5e-4F}}) {
      models_.push_back(options_.folder / name);
      generate(models_.back(), sizes, static_cast<std::uint64_t>(seed), update);
    }
    for (unsigned round = 0; round < options_.rounds; ++round) {
      note("cat of three inputs, cp of one, sync", shell(copy_command()));
      for (const std::string& method : options_.methods) {
        note("merge " + method, merge(method, models_));
        if (options_.mergekit) note("mergekit " + method, mergekit(method));
      }
      note("cat of two inputs", shell(fmt::format("cat {0}/*.safetensors {1}/*.safetensors >/dev/null",
                                                  models_[0].string(), models_[1].string())));
      note("shift", run({options_.cambium, "shift", "--base", models_[0], models_[1], "--json"}, log()));
    }
    print();
    if (options_.wide_layers > 0) run_wide();
  }

 private:
  [[nodiscard]] fs::path log() const { return options_.folder / "log"; }
  [[nodiscard]] Measured shell(const std::string& command) const { return run({"sh", "-c", command}, log()); }

  [[nodiscard]] std::string copy_command() const {
    return fmt::format(
        "cat {0}/*/model*.safetensors >/dev/null && mkdir -p {0}/copy && cp {0}/base/model*.safetensors {0}/copy/ && "
        "sync {0}/copy/* && rm -r {0}/copy",
        options_.folder.string());
  }

  [[nodiscard]] Measured merge(const std::string& method, const std::vector<fs::path>& models) const {
    write_text(options_.folder / "recipe.yml", recipe(method, models));
    const fs::path out = options_.folder / "merged";
    const Measured result = run({options_.cambium, "merge", options_.folder / "recipe.yml", "-o", out}, log());
    fs::remove_all(out);
    return result;
  }

  [[nodiscard]] Measured mergekit(const std::string& method) const {
    write_text(options_.folder / "recipe.yml", recipe(method, models_));
    const fs::path out = options_.folder / "mergekit";
    const Measured result = run({*options_.mergekit, "-c", "from mergekit.scripts.run_yaml import main; main()",
                                 options_.folder / "recipe.yml", out},
                                log());
    fs::remove_all(out);
    return result;
  }

  void note(const std::string& name, const Measured& measured) {
    if (best_.find(name) == best_.end()) order_.push_back(name);
    auto [at, fresh] = best_.emplace(name, measured);
    at->second.seconds = std::min(at->second.seconds, measured.seconds);
    at->second.peak_mib = std::max(at->second.peak_mib, measured.peak_mib);
    std::cerr << fmt::format("{}: {:.2f} s, {:.0f} MiB\n", name, measured.seconds, measured.peak_mib);
  }

  void print() const {
    const double copy = best_.at("cat of three inputs, cp of one, sync").seconds;
    const double read = best_.at("cat of two inputs").seconds;
    std::cout << "| work | best of " << options_.rounds << ", s | ratio to the copy | peak MiB |\n|---|---|---|---|\n";
    for (const std::string& name : order_) {
      const Measured& measured = best_.at(name);
      const bool reads = name == "shift" || name == "cat of two inputs";
      std::cout << fmt::format("| {} | {:.2f} | {:.2f}{} | {:.0f} |\n", name, measured.seconds,
                               measured.seconds / (reads ? read : copy), reads ? " (to cat of two)" : "",
                               measured.peak_mib);
    }
  }

  // The widest tensors of a 70 B model in as many layers as asked for; the plan of the whole model.
  void run_wide() const {
    Sizes sizes = kLlama70B;
    std::vector<fs::path> whole, part;
    for (const char* name : {"a", "b", "c"}) {
      sizes.layers = kLlama70B.layers;
      generate_holes(whole.emplace_back(options_.folder / "wide" / "whole" / name), sizes);
      sizes.layers = options_.wide_layers;
      generate_holes(part.emplace_back(options_.folder / "wide" / "part" / name), sizes);
    }
    std::cout << "\n| model of a 70 B one's width | s | peak MiB |\n|---|---|---|\n";
    write_text(options_.folder / "recipe.yml", recipe("ties", whole));
    const Measured plan = run({options_.cambium, "merge", options_.folder / "recipe.yml", "--dry-run"}, log());
    std::cout << fmt::format("| plan of all 80 layers | {:.2f} | {:.0f} |\n", plan.seconds, plan.peak_mib);
    for (const std::string& method : options_.methods) {
      const Measured measured = merge(method, part);
      std::cout << fmt::format("| {} of {} layers | {:.2f} | {:.0f} |\n", method, options_.wide_layers,
                               measured.seconds, measured.peak_mib);
    }
    fs::remove_all(options_.folder / "wide");
  }

  Options options_;
  std::vector<fs::path> models_;
  std::vector<std::string> order_;
  std::map<std::string, Measured> best_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times merging beside copying the same bytes");
  Options options;
  app.add_option("folder", options.folder, "where the models go; 10 GB free (kept, to be used again)")->required();
  app.add_option("--cambium", options.cambium, "the binary to measure")->capture_default_str();
  app.add_option("--mergekit", options.mergekit, "a Python that has mergekit, to measure beside");
  app.add_option("--methods", options.methods, "methods to measure")->delimiter(',');
  app.add_option("--rounds", options.rounds, "turns; the best time counts")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--wide", options.wide_layers,
                 "also merge models of a 70 B one's width with so many layers (6 GB of output, and 2 GB a layer)");
  app.add_flag("--small", options.small, "small models, to try the program");
  CLI11_PARSE(app, argc, argv);
  try {
    Bench(options).run_all();
  } catch (const std::exception& error) {
    std::cerr << "merge_bench: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
