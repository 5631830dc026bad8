#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cambium::tune {

/// What to do with a row that is longer than the context.
enum class TooLong : std::uint8_t { kCut, kDrop, kError };
/// What shares and budget count.
enum class MixtureUnit : std::uint8_t { kTokens, kSupervised, kSamples };

/// One set of training rows.
struct SourceConfig {
  std::string name;
  std::vector<std::string> paths;  ///< files, or patterns with *
  std::string format = "auto";     ///< auto, llava, sharegpt, messages, alpaca, text
  std::string media;               ///< folder of relative pictures, clips, sounds; empty: the file's own folder
  double share = 0;                ///< of the mixture
  double repeat = 1;               ///< times that a row may be used; infinity: without limit
  std::int64_t max_rows = 0;       ///< 0: all
  std::int64_t max_amount = 0;     ///< cap in the mixture's unit; 0: none
};

/// Shares that hold from the end of the stage before on; between two stages with `ramp` they go over in a line.
struct StageConfig {
  double until = 1;   ///< share of the run at which the stage ends
  bool ramp = false;  ///< from the stage before's shares to these over the whole stage
  std::map<std::string, double> shares;
};

struct LoraConfig {
  std::int64_t rank = 8;
  double alpha = 16, dropout = 0;
  bool rank_stabilized = false;
  std::vector<std::string> targets;
  std::string init;
  bool merge =
      true;  ///< the output is the merged model (the adapter lies in its folder adapter/); else the adapter alone
};

/// Rule for the tensors whose part, role or name fits: the last fitting one counts.
struct PartConfig {
  std::string
      match;  ///< a part ("language", "vision_tower", "projector", ...), a role ("query"), or a pattern with * of names
  std::optional<std::pair<int, int>> layers;  ///< first and last
  bool frozen = false;
  std::optional<double> learning_rate;
  std::optional<double> weight_decay;
};

struct TrackConfig {
  std::int64_t every_tokens = 0;  ///< 0: only at start and end
  std::vector<std::string> tasks;
  std::vector<std::string> task_folders;
  std::int64_t limit = 50;                 ///< documents of each task
  std::vector<std::string> rows;           ///< files of rows whose answers are followed: share that is exactly right
  std::int64_t row_limit = 500;            ///< of each file
  std::vector<std::string> texts;          ///< files whose perplexity is followed
  std::int64_t text_tokens = 4096;         ///< of each file
  std::string best;                        ///< curve whose best checkpoint becomes the output; empty: the last
  std::optional<double> forgetting_limit;  ///< largest relative loss of any curve; reached: the run ends
};

/// A whole configuration of `cambium tune`.
struct TuneConfig {
  std::string model, output;
  std::string dtype = "auto", activations = "auto";
  std::uint64_t seed = 0;
  unsigned threads = 0;
  std::int64_t context = 2048;
  TooLong too_long = TooLong::kCut;
  double bad_rows = 0.01;     ///< largest share of rows that may be passed over
  std::string chat_template;  ///< file; empty: the model's
  std::vector<SourceConfig> sources;

  MixtureUnit unit = MixtureUnit::kTokens;
  std::int64_t budget = 0;  ///< in units; 0: `epochs` of the data or `steps`
  std::int64_t steps = 0;   ///< a run of so many steps (small-step tuning); 0: by budget
  double epochs = 1;
  std::string schedule = "joint";  ///< joint, sequential, stages
  std::vector<StageConfig> stages;
  std::string replay_source;
  double replay_share = 0;

  std::int64_t batch_tokens = 8192;  ///< of a step
  std::int64_t batch_samples = 0;    ///< if not 0: a step has so many samples instead
  std::int64_t micro_tokens = 8192;  ///< of a backward pass
  double learning_rate = 2e-5;
  std::string rate_schedule = "cosine";
  double warmup = 0.03, floor = 0.0, decay = 0.1;
  double weight_decay = 0.0;
  bool decay_norms_and_biases = false;
  double beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, clip = 1.0;
  std::string precision = "master";  ///< master, stochastic, nearest
  std::string states = "float32";    ///< float32, bfloat16
  bool recompute = false;
  double pull = 0.0;         ///< L2-SP
  double shift_limit = 0.0;  ///< a tensor whose mean absolute shift reaches this stands still; 0: none
  double ema = 0.0;          ///< decay of averaged weights, which become the output; 0: none
  std::vector<PartConfig> parts;
  std::optional<LoraConfig> lora;

  std::int64_t checkpoint_steps = 0;  ///< 0: about every five minutes
  std::int64_t keep_checkpoints = 2;
  bool tensorboard = true;
  TrackConfig track;
};

/// Reads a configuration.
/// @param text       YAML (JSON is YAML)  @param where  its name for messages
/// @param overrides  path and value: {"train.learning_rate", "1e-4"}, {"sources.0.share", "0.5"}
/// @throws RecipeError  not YAML, an unknown key (with line and the nearest known one), a value of another kind or out
/// of range, shares that do not sum to 1, names twice or unknown
[[nodiscard]] TuneConfig parse_tune_config(const std::string& text, const std::string& where,
                                           const std::vector<std::pair<std::string, std::string>>& overrides);
[[nodiscard]] TuneConfig read_tune_config(const std::filesystem::path& file,
                                          const std::vector<std::pair<std::string, std::string>>& overrides);

}  // namespace cambium::tune
