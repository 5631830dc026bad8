#include "study/step_times.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace cambium::study {
namespace {

namespace fs = std::filesystem;

constexpr double kBytesOfParameter = 4;
constexpr double kUsualParameters = 1e6;
constexpr int kDeepest = 20;

// Seconds of an amount of 1, on one core of a laptop.
double rough_rate(const std::string& kind) {
  if (kind == "tune") return 1.1e-10;  // a token and a parameter
  if (kind == "eval") return 0.4;      // a task of about a hundred questions, for a million parameters
  if (kind == "world") return 8;
  if (kind == "run") return 5;
  return 2;
}

// 240000, "240k", "1.5M", "2B".
double quantity(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return 0;
  const std::string text = value.get<std::string>();
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  switch (*end) {
    case 'k':
    case 'K':
      return number * 1e3;
    case 'm':
    case 'M':
      return number * 1e6;
    case 'b':
    case 'B':
    case 'g':
    case 'G':
      return number * 1e9;
    default:
      return number;
  }
}

double tokens_of(const Json& config) {
  const Json mixture = config.value("mixture", Json::object()), train = config.value("train", Json::object());
  if (mixture.contains("budget")) return quantity(mixture["budget"]);
  const double batch = train.contains("batch_tokens") ? quantity(train["batch_tokens"]) : 8192;
  return mixture.contains("steps") ? quantity(mixture["steps"]) * batch : 0;
}

std::string word_behind(const std::vector<std::string>& words, std::string_view option) {
  const auto found = std::ranges::find(words, option);
  return found == words.end() || std::next(found) == words.end() ? "" : *std::next(found);
}

Json parsed(const Step& step, const std::string& file) {
  const auto found = step.files.find(file);
  return found == step.files.end() ? Json() : Json::parse(found->second, nullptr, false);
}

double stored_parameters(const fs::path& folder) {
  double bytes = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".safetensors") bytes += static_cast<double>(entry.file_size(ignored));
  }
  return bytes / kBytesOfParameter;
}

}  // namespace

StepTimes::StepTimes(const StepGraph& graph, const StudyFolder& folder) : graph_(graph), folder_(folder.path()) {
  for (const Step& step : graph.steps) {
    if (!step.output.empty()) makers_[step.output] = &step;
  }
  for (const Step& step : graph.steps) {
    if (step.kind != "tune") continue;
    const Json config = parsed(step, step.command[1]);
    if (config.is_object() && config.contains("model") && config["model"].is_string())
      usual_ = std::max(usual_, parameters(config["model"].get<std::string>(), step));
  }
  if (usual_ == 0) usual_ = kUsualParameters;
  for (const Step& step : graph.steps) {
    const StepRecord record = folder.record(step.name);
    if (record.state != StepState::kDone || record.from_cache || record.seconds <= 0) continue;
    const Work done = work(step);
    for (const std::string& key : {step.kind, step.kind + "\n" + done.like}) {
      Seen& seen = seen_[key];
      seen.seconds += record.seconds;
      seen.amount += done.amount;
    }
  }
}

double StepTimes::parameters(const std::string& model, const Step& step, int depth) const {
  if (depth > kDeepest || model.empty()) return 0;
  if (const Json recipe = parsed(step, model); recipe.is_object()) {
    if (recipe.contains("base_model") && recipe["base_model"].is_string())
      return parameters(recipe["base_model"].get<std::string>(), step, depth + 1);
    const Json models = recipe.value("models", Json::array());
    return models.empty() || !models[0].contains("model") || !models[0]["model"].is_string()
               ? 0
               : parameters(models[0]["model"].get<std::string>(), step, depth + 1);
  }
  if (const auto found = known_.find(model); found != known_.end()) return found->second;
  double count = stored_parameters(folder_ / model);
  if (const auto maker = makers_.find(model); count == 0 && maker != makers_.end()) {
    // As large as what it is made of.
    const Step& made = *maker->second;
    const Json config = made.command.size() > 1 ? parsed(made, made.command[1]) : Json();
    for (const char* key : {"model", "language"}) {
      if (count == 0 && config.is_object() && config.contains(key) && config[key].is_string())
        count = parameters(config[key].get<std::string>(), made, depth + 1);
    }
    if (count == 0 && made.kind == "run" && made.command.size() > 1)
      count = parameters(made.command[1], made, depth + 1);
  }
  // The world of another seed has a model of the same name.
  for (const auto& [output, maker] : makers_) {
    const auto slash = model.find('/');
    if (count == 0 && maker->kind == "world" && slash != std::string::npos)
      count = stored_parameters(folder_ / (output + model.substr(slash)));
  }
  known_[model] = count;
  return count;
}

double StepTimes::parameters_or_usual(const std::string& model, const Step& step) const {
  const double count = parameters(model, step);
  return count > 0 ? count : usual_;
}

StepTimes::Work StepTimes::work(const Step& step) const {
  if (step.kind == "tune") {
    const Json config = parsed(step, step.command[1]);
    if (!config.is_object() || !config.contains("model") || !config["model"].is_string()) return {};
    const double tokens = tokens_of(config);
    return {.like = {},
            .amount = std::max(tokens, 1.0) * parameters_or_usual(config["model"].get<std::string>(), step)};
  }
  if (step.kind == "eval") {
    const std::string tasks = word_behind(step.command, "--tasks");
    const double millions = parameters_or_usual(step.command[1], step) / 1e6;
    return {.like = fmt::format("{} {} {}", tasks, word_behind(step.command, "--num_fewshot"),
                                word_behind(step.command, "--limit")),
            .amount = static_cast<double>(1 + std::ranges::count(tasks, ',')) * std::max(millions, 0.3)};
  }
  return {.like = step.command.empty() ? "" : step.command[0], .amount = 1};
}

double StepTimes::seconds(const Step& step) const {
  const Work todo = work(step);
  for (const std::string& key : {step.kind + "\n" + todo.like, step.kind}) {
    const auto found = seen_.find(key);
    if (found != seen_.end() && found->second.amount > 0)
      return todo.amount * found->second.seconds / found->second.amount;
  }
  return todo.amount * rough_rate(step.kind);
}

}  // namespace cambium::study
