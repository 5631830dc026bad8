#include "tune/tune_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>

#include "checkpoint/text_file.h"
#include "tensor/error.h"
#include "text/jinja_nearest.h"

namespace cambium::tune {

namespace {

// One mapping of the file: typed look-ups, and every key that nobody asked for is an error.
class Section {
 public:
  Section(YAML::Node node, std::string path, const std::string& where)
      : node_(std::move(node)), path_(std::move(path)), where_(where) {
    if (node_.IsDefined() && !node_.IsNull() && !node_.IsMap()) fail(node_, path_, "a mapping of keys to values");
  }

  [[nodiscard]] YAML::Node take(const std::string& key) {
    known_.insert(key);
    return node_.IsMap() ? node_[key] : YAML::Node(YAML::NodeType::Undefined);
  }
  [[nodiscard]] bool has(const std::string& key) {
    const YAML::Node node = take(key);
    return node.IsDefined() && !node.IsNull();
  }
  Section child(const std::string& key) { return {take(key), join(key), where_}; }

  void text(const std::string& key, std::string& value) {
    const YAML::Node node = take(key);
    if (!given(node)) return;
    if (!node.IsScalar()) fail(node, join(key), "a text");
    value = node.Scalar();
  }
  void number(const std::string& key, double& value, double low, double high) {
    const YAML::Node node = take(key);
    if (given(node)) value = real(node, join(key), low, high);
  }
  // Whole numbers; 30k, 1.5M, 2B mean thousands, millions, billions.
  template <class Whole>
  void count(const std::string& key, Whole& value, double low) {
    const YAML::Node node = take(key);
    if (!given(node)) return;
    const double number = real(node, join(key), low, 9e15);
    if (number != std::floor(number)) fail(node, join(key), "a whole number");
    value = static_cast<Whole>(number);
  }
  void flag(const std::string& key, bool& value) {
    const YAML::Node node = take(key);
    if (!given(node)) return;
    if (!node.IsScalar() || !YAML::convert<bool>::decode(node, value)) fail(node, join(key), "true or false");
  }
  void texts(const std::string& key, std::vector<std::string>& values) {
    const YAML::Node node = take(key);
    if (!given(node)) return;
    if (node.IsScalar()) values = {node.Scalar()};
    if (!node.IsSequence()) {
      if (!node.IsScalar()) fail(node, join(key), "a text or a list of texts");
      return;
    }
    values.clear();
    for (const YAML::Node& item : node) {
      if (!item.IsScalar()) fail(item, join(key), "a list of texts");
      values.push_back(item.Scalar());
    }
  }
  template <class Choice>
  void choice(const std::string& key, Choice& value, const std::vector<std::pair<std::string_view, Choice>>& choices) {
    const YAML::Node node = take(key);
    if (!given(node)) return;
    std::vector<std::string_view> names;
    for (const auto& [name, meaning] : choices) {
      if (node.IsScalar() && node.Scalar() == name) {
        value = meaning;
        return;
      }
      names.push_back(name);
    }
    const std::string hint = node.IsScalar() ? text::jinja::nearest_names(node.Scalar(), names) : "";
    fail(node, join(key), fmt::format("one of {}.{}", fmt::join(names, ", "), hint));
  }
  void word(const std::string& key, std::string& value, const std::vector<std::string_view>& words) {
    std::vector<std::pair<std::string_view, std::string>> choices;
    for (const std::string_view each : words) choices.emplace_back(each, std::string(each));
    choice(key, value, choices);
  }
  void finish() const {
    if (!node_.IsMap()) return;
    for (const auto& entry : node_) {
      const std::string key = entry.first.Scalar();
      if (known_.contains(key)) continue;
      const std::vector<std::string_view> names(known_.begin(), known_.end());
      throw RecipeError(fmt::format("{}: line {}: unknown key '{}'.{} Known are: {}", where_,
                                    entry.first.Mark().line + 1, join(key), text::jinja::nearest_names(key, names),
                                    fmt::join(names, ", ")));
    }
  }
  [[noreturn]] void fail(const YAML::Node& node, const std::string& path, const std::string& expected) const {
    const std::string found =
        node.IsDefined() && node.IsScalar() ? fmt::format("'{}'", node.Scalar()) : "something else";
    throw RecipeError(
        fmt::format("{}: line {}: {} is {}, expected {}", where_, node.Mark().line + 1, path, found, expected));
  }
  [[nodiscard]] double real(const YAML::Node& node, const std::string& path, double low, double high) const {
    std::string word = node.IsScalar() ? node.Scalar() : "";
    double scale = 1;
    if (word == "unlimited" && high == std::numeric_limits<double>::infinity()) return high;
    if (!word.empty()) {
      const char last = word.back();
      scale = last == 'k' || last == 'K' ? 1e3 : last == 'M' ? 1e6 : last == 'B' || last == 'G' ? 1e9 : 1;
      if (scale != 1) word.pop_back();
    }
    double value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    value *= scale;
    if (word.empty() || error != std::errc() || end != word.data() + word.size() || !std::isfinite(value) ||
        value < low || value > high) {
      fail(
          node, path,
          high >= 9e15 ? fmt::format("a number of {} or more", low) : fmt::format("a number from {} to {}", low, high));
    }
    return value;
  }
  [[nodiscard]] std::string join(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }
  [[nodiscard]] const YAML::Node& node() const { return node_; }
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  static bool given(const YAML::Node& node) { return node.IsDefined() && !node.IsNull(); }
  YAML::Node node_;
  std::string path_;
  const std::string& where_;
  std::set<std::string> known_;
};

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

void read_sources(Section& top, TuneConfig& config) {
  const YAML::Node list = top.take("sources");
  if (!list.IsDefined() || !list.IsSequence() || list.size() == 0) top.fail(list, "sources", "a list of sources");
  for (std::size_t i = 0; i < list.size(); ++i) {
    Section own(list[i], fmt::format("sources.{}", i), top.where());
    SourceConfig source;
    own.texts("path", source.paths);
    if (source.paths.empty()) top.fail(list[i], own.join("path"), "the files of the source");
    source.name = std::filesystem::path(source.paths.front()).stem().string();
    own.text("name", source.name);
    own.word("format", source.format, {"auto", "llava", "sharegpt", "messages", "alpaca", "text"});
    own.text("media", source.media);
    source.share = list.size() == 1 ? 1.0 : -1.0;
    own.number("share", source.share, 0, 1);
    own.number("repeat", source.repeat, 0, kNoLimit);
    own.count("max_rows", source.max_rows, 0);
    own.count("max", source.max_amount, 0);
    own.finish();
    for (const SourceConfig& other : config.sources) {
      if (other.name == source.name) top.fail(list[i], own.join("name"), "a name that no other source has");
    }
    config.sources.push_back(std::move(source));
  }
}

// Shares by name: known sources, each from 0 to 1, together 1.
std::map<std::string, double> read_shares(Section& section, const TuneConfig& config) {
  std::map<std::string, double> shares;
  std::vector<std::string_view> names;
  for (const SourceConfig& source : config.sources) names.push_back(source.name);
  double sum = 0;
  for (const auto& entry : section.node()) {
    const std::string name = entry.first.Scalar();
    if (std::ranges::find(names, name) == names.end()) {
      section.fail(
          entry.first, section.join(name),
          fmt::format("a source.{} There are: {}", text::jinja::nearest_names(name, names), fmt::join(names, ", ")));
    }
    sum += shares[name] = section.real(entry.second, section.join(name), 0, 1);
  }
  if (std::abs(sum - 1) > 1e-6) {
    throw RecipeError(fmt::format("{}: line {}: {} sum to {:.6g}, expected 1", section.where(),
                                  section.node().Mark().line + 1, section.join("shares"), sum));
  }
  return shares;
}

void read_mixture(Section& top, TuneConfig& config) {
  Section own = top.child("mixture");
  own.choice(
      "count", config.unit,
      {{"tokens", MixtureUnit::kTokens}, {"supervised", MixtureUnit::kSupervised}, {"samples", MixtureUnit::kSamples}});
  own.count("budget", config.budget, 1);
  own.count("steps", config.steps, 1);
  own.number("epochs", config.epochs, 1e-9, 1e6);
  own.word("schedule", config.schedule, {"joint", "sequential", "stages"});
  const YAML::Node stages = own.take("stages");
  if (stages.IsDefined() && !stages.IsNull()) {
    if (!stages.IsSequence() || stages.size() == 0) own.fail(stages, own.join("stages"), "a list of stages");
    config.schedule = "stages";
    for (std::size_t i = 0; i < stages.size(); ++i) {
      Section stage(stages[i], fmt::format("mixture.stages.{}", i), top.where());
      StageConfig& each = config.stages.emplace_back();
      stage.number("until", each.until, 0, 1);
      stage.flag("ramp", each.ramp);
      Section shares = stage.child("shares");
      each.shares = read_shares(shares, config);
      stage.finish();
      const double before = i == 0 ? 0 : config.stages[i - 1].until;
      if (each.until <= before) own.fail(stages[i], stage.join("until"), "more than the stage before's");
    }
    if (config.stages.back().until != 1) own.fail(stages, own.join("stages"), "a last stage until 1");
  }
  if (own.has("replay")) {
    Section replay = own.child("replay");
    replay.text("source", config.replay_source);
    replay.number("share", config.replay_share, 0, 0.99);
    replay.finish();
    if (std::ranges::find(config.sources, config.replay_source, &SourceConfig::name) == config.sources.end()) {
      own.fail(replay.node(), replay.join("source"), "the name of a source");
    }
  }
  own.finish();
}

void check_shares(const TuneConfig& config, const std::string& where) {
  if (config.schedule == "stages") return;
  double sum = 0;
  std::size_t missing = 0;
  for (const SourceConfig& source : config.sources) {
    if (source.share < 0) {
      ++missing;
    } else {
      sum += source.share;
    }
  }
  if (missing == config.sources.size()) return;
  if (missing > 0) {
    throw RecipeError(
        fmt::format("{}: {} of {} sources have no share; give all of them one, or none (each then gets its "
                    "part of the data)",
                    where, missing, config.sources.size()));
  }
  if (std::abs(sum - 1) > 1e-6) {
    throw RecipeError(fmt::format("{}: the shares of the sources sum to {:.6g}, expected 1", where, sum));
  }
}

void read_parts(Section& train, TuneConfig& config) {
  const YAML::Node parts = train.take("parts");
  if (!parts.IsDefined() || parts.IsNull()) return;
  if (!parts.IsMap()) train.fail(parts, train.join("parts"), "parts with `frozen`, a learning rate or a mapping");
  for (const auto& entry : parts) {
    PartConfig part;
    part.match = entry.first.Scalar();
    const std::string path = train.join("parts." + part.match);
    if (entry.second.IsScalar()) {
      if (entry.second.Scalar() == "frozen") {
        part.frozen = true;
      } else {
        part.learning_rate = train.real(entry.second, path, 0, 1e3);
      }
    } else {
      Section own(entry.second, path, train.where());
      own.flag("frozen", part.frozen);
      double value = 0;
      if (own.has("learning_rate")) {
        own.number("learning_rate", value, 0, 1e3);
        part.learning_rate = value;
      }
      if (own.has("weight_decay")) {
        own.number("weight_decay", value, 0, 1e3);
        part.weight_decay = value;
      }
      const YAML::Node layers = own.take("layers");
      if (layers.IsDefined()) {
        if (!layers.IsSequence() || layers.size() != 2) own.fail(layers, own.join("layers"), "[first, last]");
        part.layers = std::make_pair(static_cast<int>(own.real(layers[0], own.join("layers"), 0, 1e5)),
                                     static_cast<int>(own.real(layers[1], own.join("layers"), 0, 1e5)));
      }
      own.finish();
    }
    config.parts.push_back(std::move(part));
  }
}

void read_train(Section& top, TuneConfig& config) {
  Section own = top.child("train");
  own.count("batch_tokens", config.batch_tokens, 1);
  own.count("batch_samples", config.batch_samples, 0);
  config.micro_tokens = std::min<std::int64_t>(config.batch_tokens, 8192);
  own.count("micro_tokens", config.micro_tokens, 1);
  own.number("learning_rate", config.learning_rate, 0, 1e3);
  own.word("schedule", config.rate_schedule, {"constant", "linear", "cosine", "wsd"});
  own.number("warmup", config.warmup, 0, 1);
  own.number("floor", config.floor, 0, 1);
  own.number("decay", config.decay, 0, 1);
  own.number("weight_decay", config.weight_decay, 0, 1e3);
  own.flag("decay_norms_and_biases", config.decay_norms_and_biases);
  own.number("beta1", config.beta1, 0, 0.99999);
  own.number("beta2", config.beta2, 0, 0.9999999);
  own.number("epsilon", config.epsilon, 1e-30, 1);
  own.number("clip", config.clip, 0, 1e9);
  own.word("precision", config.precision, {"master", "stochastic", "nearest"});
  own.word("states", config.states, {"float32", "bfloat16"});
  own.flag("recompute", config.recompute);
  own.number("pull", config.pull, 0, 1e6);
  own.number("shift_limit", config.shift_limit, 0, 1e6);
  own.number("ema", config.ema, 0, 0.9999999);
  read_parts(own, config);
  if (own.has("lora")) {
    Section lora = own.child("lora");
    LoraConfig& each = config.lora.emplace();
    lora.count("rank", each.rank, 1);
    each.alpha = 2 * static_cast<double>(each.rank);
    lora.number("alpha", each.alpha, 0, 1e6);
    lora.number("dropout", each.dropout, 0, 0.99);
    lora.flag("rank_stabilized", each.rank_stabilized);
    lora.texts("targets", each.targets);
    lora.text("init", each.init);
    lora.flag("merge", each.merge);
    lora.finish();
  }
  own.finish();
}

void read_track(Section& top, TuneConfig& config) {
  Section own = top.child("track");
  TrackConfig& track = config.track;
  own.count("every_tokens", track.every_tokens, 1);
  own.texts("tasks", track.tasks);
  own.texts("task_folders", track.task_folders);
  own.count("limit", track.limit, 1);
  own.texts("texts", track.texts);
  own.texts("rows", track.rows);
  own.count("row_limit", track.row_limit, 1);
  own.count("text_tokens", track.text_tokens, 2);
  own.text("best", track.best);
  if (own.has("forgetting_limit")) {
    double value = 0;
    own.number("forgetting_limit", value, 0, 1e3);
    track.forgetting_limit = value;
  }
  own.finish();
}

void override_value(YAML::Node root, const std::string& path, const std::string& value) {
  if (path.empty()) throw UsageError(fmt::format("--set {}={}: expected path=value", path, value));
  YAML::Node node;
  node.reset(root);
  std::size_t begin = 0;
  while (true) {
    const std::size_t dot = path.find('.', begin);
    const std::string key = path.substr(begin, dot - begin);
    YAML::Node next;
    if (node.IsSequence()) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
      if (error != std::errc() || end != key.data() + key.size() || index >= node.size()) {
        throw UsageError(fmt::format("--set {}={}: '{}' is no place of a list of {}", path, value, key, node.size()));
      }
      next.reset(node[index]);
    } else {
      next.reset(node[key]);
    }
    if (dot == std::string::npos) {
      next = YAML::Load(value);
      return;
    }
    node.reset(next);
    begin = dot + 1;
  }
}

}  // namespace

TuneConfig parse_tune_config(const std::string& text, const std::string& where,
                             const std::vector<std::pair<std::string, std::string>>& overrides) {
  YAML::Node root;
  try {
    root = YAML::Load(text);
    for (const auto& [path, value] : overrides) override_value(root, path, value);
  } catch (const YAML::Exception& error) {
    throw RecipeError(fmt::format("{}: line {}: {}", where, error.mark.line + 1, error.msg));
  }
  TuneConfig config;
  Section top(root, "", where);
  if (!root.IsMap()) top.fail(root, "the file", "a mapping with model, output, sources");
  top.text("model", config.model);
  top.text("output", config.output);
  for (const auto& [key, value] : {std::pair("model", &config.model), std::pair("output", &config.output)}) {
    if (value->empty()) throw RecipeError(fmt::format("{}: '{}' is missing", where, key));
  }
  top.word("dtype", config.dtype, {"auto", "float32", "bfloat16"});
  top.word("activations", config.activations, {"auto", "float32", "bfloat16"});
  top.count("seed", config.seed, 0);
  top.count("threads", config.threads, 0);
  top.count("context", config.context, 2);
  top.choice("too_long", config.too_long,
             {{"cut", TooLong::kCut}, {"drop", TooLong::kDrop}, {"error", TooLong::kError}});
  top.number("bad_rows", config.bad_rows, 0, 1);
  top.text("chat_template", config.chat_template);
  read_sources(top, config);
  read_mixture(top, config);
  check_shares(config, where);
  read_train(top, config);
  {
    Section own = top.child("checkpoint");
    own.count("every_steps", config.checkpoint_steps, 1);
    own.count("keep", config.keep_checkpoints, 1);
    own.finish();
  }
  top.flag("tensorboard", config.tensorboard);
  read_track(top, config);
  top.finish();
  return config;
}

TuneConfig read_tune_config(const std::filesystem::path& file,
                            const std::vector<std::pair<std::string, std::string>>& overrides) {
  return parse_tune_config(checkpoint::read_text(file), file.string(), overrides);
}

}  // namespace cambium::tune
