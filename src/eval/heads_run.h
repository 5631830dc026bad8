#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace cambium {
class Progress;
}

namespace cambium::eval {

/// `cambium heads`: which attention heads do the tasks rest on?
struct HeadsOptions {
  std::string model;  ///< folder, org/name in the Hugging Face cache, or recipe
  std::vector<std::string> tasks;
  std::vector<std::string> include_paths, data_roots;
  std::optional<int> num_fewshot;
  std::optional<double> limit;
  bool apply_chat_template = false;
  std::string by = "head";  ///< what is switched off together: head, kv (heads that share keys and values), layer
  std::vector<std::size_t> layers;  ///< only these; empty: all
  bool keep_options = false;        ///< HeadsTask::options
  std::string dtype = "auto";
  unsigned threads = 0;
  double cache_gib = 0;
  Progress* progress = nullptr;  ///< must be given
};

/// What the tasks lose without some heads.
struct HeadsRow {
  std::size_t layer = 0;
  std::vector<std::size_t> heads;
  double accuracy = 0;     ///< share of questions whose likeliest option is right
  double probability = 0;  ///< mean probability of the right options, among the options
  double kl = 0;           ///< mean KL(unmasked || masked) of the distribution over the options, in nats
};

struct HeadsTask {
  std::string name;
  std::size_t questions = 0;
  double accuracy = 0, probability = 0;  ///< with all heads
  std::vector<HeadsRow> rows;            ///< layer by layer
  std::vector<std::size_t> documents;
  /// With keep_options: log-likelihoods, [rows + 1][questions][options]; the first without a mask.
  std::vector<std::vector<std::vector<double>>> options;
};

struct HeadsReport {
  std::string model;
  std::size_t layers = 0, heads = 0;
  std::vector<HeadsTask> tasks;
  double load_seconds = 0, seconds = 0;
};

}  // namespace cambium::eval

extern "C" void cambium_heads(const cambium::eval::HeadsOptions& options, cambium::eval::HeadsReport& report);
