#include "tasks/task_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "tasks/builtin_functions.h"
#include "tasks/few_shot_sampler.h"
#include "tasks/metric.h"
#include "tasks/response_filter.h"
#include "tensor/error.h"
#include "text/jinja_nearest.h"
#include "text/jinja_operators.h"
#include "text/jinja_runtime.h"

namespace cambium::tasks {
namespace {

namespace fs = std::filesystem;
namespace jinja = text::jinja;
using jinja::Value;

constexpr std::array<std::string_view, 38> kTaskKeys{"task",
                                                     "task_alias",
                                                     "tag",
                                                     "dataset_path",
                                                     "dataset_name",
                                                     "dataset_kwargs",
                                                     "training_split",
                                                     "validation_split",
                                                     "test_split",
                                                     "fewshot_split",
                                                     "process_docs",
                                                     "doc_to_text",
                                                     "doc_to_target",
                                                     "doc_to_image",
                                                     "doc_to_audio",
                                                     "doc_to_video",
                                                     "unsafe_code",
                                                     "doc_to_choice",
                                                     "process_results",
                                                     "use_prompt",
                                                     "description",
                                                     "target_delimiter",
                                                     "fewshot_delimiter",
                                                     "fewshot_config",
                                                     "num_fewshot",
                                                     "metric_list",
                                                     "output_type",
                                                     "generation_kwargs",
                                                     "repeats",
                                                     "filter_list",
                                                     "should_decontaminate",
                                                     "doc_to_decontamination_query",
                                                     "gen_prefix",
                                                     "metadata",
                                                     "custom_dataset",
                                                     "include",
                                                     "group",
                                                     "task_list"};

constexpr std::array<std::string_view, 11> kFewShotKeys{
    "sampler",       "split",         "process_docs", "fewshot_indices",   "samples",         "doc_to_text",
    "doc_to_choice", "doc_to_target", "gen_prefix",   "fewshot_delimiter", "target_delimiter"};

class ConfigReader {
 public:
  ConfigReader(const Value& mapping, const std::map<std::string, YamlPlace>& places, const fs::path& file)
      : mapping_(mapping), places_(places), file_(file) {}

  TaskConfig run() {
    refuse_unknown();
    config_.raw = mapping_;
    config_.file = file_;
    config_.task = text("task").value_or("");
    if (config_.task.empty()) fail("task", "a task needs a name: 'task' is missing");
    config_.alias = text("task_alias").value_or(config_.task);
    if (!get("use_prompt").is_none()) fail("use_prompt", "promptsource prompts are not supported; write doc_to_text");
    if (!get("custom_dataset").is_none())
      fail("custom_dataset", "is Python code; write the data to files and use dataset_path: json");
    config_.dataset_path = text("dataset_path").value_or("");
    if (config_.dataset_path.empty()) fail("dataset_path", "is missing: json, csv or text");
    config_.dataset_kwargs = dict_or_none("dataset_kwargs");
    config_.training_split = text("training_split");
    config_.validation_split = text("validation_split");
    config_.test_split = text("test_split");
    config_.process_docs = function_or_none("process_docs");
    config_.process_results = function_or_none("process_results");
    config_.doc_to_text = get("doc_to_text");
    config_.doc_to_target = get("doc_to_target");
    config_.doc_to_choice = get("doc_to_choice");
    config_.doc_to_image = get("doc_to_image");
    config_.doc_to_audio = get("doc_to_audio");
    config_.doc_to_video = get("doc_to_video");
    config_.description = text("description").value_or("");
    config_.target_delimiter = text("target_delimiter").value_or(" ");
    config_.fewshot_delimiter = text("fewshot_delimiter").value_or("\n\n");
    config_.gen_prefix = text("gen_prefix");
    config_.metadata = get("metadata");
    config_.unsafe_code = !get("unsafe_code").is_none() && jinja::truthy(get("unsafe_code"));
    if (const std::optional<std::int64_t> shots = integer("num_fewshot"))
      config_.num_fewshot = static_cast<int>(*shots);
    config_.repeats = static_cast<int>(integer("repeats").value_or(1));
    if (config_.repeats < 1) fail("repeats", "must be at least 1");
    read_output_type();
    read_generation();
    read_few_shot();
    read_filters();
    read_metrics();
    check_fields();
    return std::move(config_);
  }

 private:
  [[noreturn]] void fail(std::string_view key, const std::string& why) const {
    const auto place = places_.find(std::string(key));
    const std::string where = place != places_.end() ? place->second.text() : file_.string();
    throw RecipeError(fmt::format("{}: task '{}': {}: {}", where, config_.task, key, why));
  }

  void refuse_unknown() const {
    for (const auto& [key, value] : mapping_.as_dict().entries()) {
      const std::string name = key.is_string() ? key.as_string() : "";
      if (std::ranges::find(kTaskKeys, name) != kTaskKeys.end()) continue;
      const auto place = places_.find(name);
      throw RecipeError(fmt::format("{}: unknown key '{}' in a task file.{}",
                                    place != places_.end() ? place->second.text() : file_.string(), name,
                                    jinja::nearest_names(name, kTaskKeys)));
    }
  }

  [[nodiscard]] Value get(std::string_view key) const {
    const Value* found = mapping_.as_dict().find(key);
    return found == nullptr ? Value() : *found;
  }

  [[nodiscard]] std::optional<std::string> text(std::string_view key) const {
    const Value value = get(key);
    if (value.is_none()) return std::nullopt;
    if (!value.is_string()) fail(key, fmt::format("must be a text, not {}", jinja::type_name(value)));
    return value.as_string();
  }

  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key) const {
    const Value value = get(key);
    if (value.is_none()) return std::nullopt;
    if (!value.is(jinja::Type::kInt)) fail(key, fmt::format("must be a whole number, not {}", jinja::type_name(value)));
    return value.as_int();
  }

  [[nodiscard]] Value dict_or_none(std::string_view key) const {
    const Value value = get(key);
    if (!value.is_none() && !value.is_dict())
      fail(key, fmt::format("must be a mapping, not {}", jinja::type_name(value)));
    return value;
  }

  [[nodiscard]] Value function_or_none(std::string_view key) const {
    const Value value = get(key);
    if (!value.is_none() && function_name(value).empty()) fail(key, "must be !function module.name");
    return value;
  }

  void read_output_type() {
    const std::string name = text("output_type").value_or("generate_until");
    for (const OutputType type : {OutputType::kLogLikelihood, OutputType::kLogLikelihoodRolling,
                                  OutputType::kMultipleChoice, OutputType::kGenerateUntil}) {
      if (output_type_name(type) != name) continue;
      config_.output_type = type;
      return;
    }
    fail("output_type",
         fmt::format("unknown '{}': choose multiple_choice, loglikelihood, loglikelihood_rolling or generate_until",
                     name));
  }

  void read_generation() {
    const Value given = dict_or_none("generation_kwargs");
    if (config_.output_type != OutputType::kGenerateUntil && given.is_none()) return;
    const auto made = jinja::make<jinja::DictObject>();
    if (given.is_none()) {
      made->set("temperature", Value::real(0));
      made->set("do_sample", Value::boolean(false));
      made->set("max_gen_toks", Value::integer(256));
    } else {
      for (const auto& [key, value] : given.as_dict().entries()) made->set(key.as_string(), value);
      if (const Value* temperature = made->find("temperature"); temperature != nullptr && temperature->is_number()) {
        made->set("temperature", Value::real(jinja::to_double(*temperature)));
      }
    }
    if (made->find("until") == nullptr) made->set("until", Value::list({Value::string(config_.fewshot_delimiter)}));
    const Value* until = made->find("until");
    if (!until->is_string() && !until->is_sequence() && !until->is_none()) {
      fail("generation_kwargs", "until must be a text or a list of texts");
    }
    config_.generation_kwargs = Value(made);
  }

  void read_few_shot() {
    const Value given = dict_or_none("fewshot_config");
    if (given.is_dict()) {
      for (const auto& [key, value] : given.as_dict().entries()) {
        const std::string name = key.is_string() ? key.as_string() : "";
        if (std::ranges::find(kFewShotKeys, name) == kFewShotKeys.end()) {
          fail("fewshot_config", fmt::format("unknown key '{}'.{}", name, jinja::nearest_names(name, kFewShotKeys)));
        }
      }
    }
    const auto own = [&](std::string_view key) {
      const Value* found = given.is_dict() ? given.as_dict().find(key) : nullptr;
      return found;
    };
    const auto own_text = [&](std::string_view key,
                              const std::optional<std::string>& inherited) -> std::optional<std::string> {
      const Value* found = own(key);
      if (found == nullptr) return inherited;
      if (found->is_none()) return std::nullopt;
      if (!found->is_string())
        fail("fewshot_config", fmt::format("{} must be a text, not {}", key, jinja::type_name(*found)));
      return found->as_string();
    };
    const auto own_value = [&](std::string_view key, const Value& inherited) {
      const Value* found = own(key);
      return found == nullptr ? inherited : *found;
    };
    FewShotConfig& shots = config_.fewshot;
    if (const Value* sampler = own("sampler"); sampler != nullptr && !function_name(*sampler).empty()) {
      fail("fewshot_config", "a sampler written in Python is not supported; known: " + known_samplers());
    }
    shots.sampler = own_text("sampler", "default").value_or("default");
    if (!is_known_sampler(shots.sampler)) {
      fail("fewshot_config", fmt::format("unknown sampler '{}'; known: {}", shots.sampler, known_samplers()));
    }
    shots.split = own_text("split", text("fewshot_split"));
    shots.doc_to_text = own_value("doc_to_text", Value());
    shots.doc_to_target = own_value("doc_to_target", Value());
    shots.doc_to_choice = own_value("doc_to_choice", Value());
    shots.process_docs = own_value("process_docs", config_.process_docs);
    shots.gen_prefix = own_text("gen_prefix", config_.gen_prefix);
    shots.target_delimiter = own_text("target_delimiter", config_.target_delimiter).value_or("");
    shots.fewshot_delimiter = own_text("fewshot_delimiter", config_.fewshot_delimiter).value_or("");
    read_samples(own("samples"));
    if (const Value* indices = own("fewshot_indices"); indices != nullptr && indices->is_sequence()) {
      for (const Value& index : indices->items()) {
        if (!index.is(jinja::Type::kInt) || index.as_int() < 0)
          fail("fewshot_config", "fewshot_indices must be a list of positions");
        shots.indices.push_back(static_cast<std::size_t>(index.as_int()));
      }
    }
  }

  void read_samples(const Value* samples) {
    if (samples == nullptr || samples->is_none()) return;
    if (const std::string function = function_name(*samples); !function.empty()) {
      fail("fewshot_config", fmt::format("samples: {} (a list of examples)", unknown_function(function)));
    }
    if (!samples->is_sequence() ||
        !std::ranges::all_of(samples->items(), [](const Value& item) { return item.is_dict(); })) {
      fail("fewshot_config", "samples must be a list of mappings");
    }
    config_.fewshot.samples = samples->items();
  }

  // The entries of a list of mappings; nothing if the key is absent.
  std::optional<std::vector<Value>> mappings(std::string_view key) const {
    const Value value = get(key);
    if (value.is_none()) return std::nullopt;
    if (!value.is_sequence() || value.items().empty() ||
        !std::ranges::all_of(value.items(), [](const Value& item) { return item.is_dict(); })) {
      fail(key, "must be a list of mappings");
    }
    return value.items();
  }

  void read_filters() {
    const std::optional<std::vector<Value>> given = mappings("filter_list");
    if (!given) {
      config_.filters.push_back({.name = "none", .steps = {{.function = "take_first", .arguments = Value::dict()}}});
      return;
    }
    for (const Value& entry : *given) {
      FilterPipeline pipeline;
      const Value* name = entry.as_dict().find("name");
      const Value* steps = entry.as_dict().find("filter");
      if (name == nullptr || !name->is_string()) fail("filter_list", "an entry needs a name");
      if (steps == nullptr || !steps->is_sequence())
        fail("filter_list", fmt::format("'{}' needs a list 'filter'", name->as_string()));
      pipeline.name = name->as_string();
      for (const auto& other : config_.filters) {
        if (other.name == pipeline.name) fail("filter_list", fmt::format("two filters are named '{}'", pipeline.name));
      }
      for (const Value& step : steps->items()) {
        const Value* function = step.is_dict() ? step.as_dict().find("function") : nullptr;
        if (function != nullptr && !function_name(*function).empty()) {
          fail("filter_list", fmt::format("'{}': {}", pipeline.name, unknown_function(function_name(*function))));
        }
        if (function == nullptr || !function->is_string()) {
          fail("filter_list", fmt::format("'{}': each step needs a 'function'", pipeline.name));
        }
        FilterStep made{.function = function->as_string(), .arguments = Value::dict()};
        for (const auto& [key, value] : step.as_dict().entries()) {
          if (key.as_string() != "function") made.arguments.as_dict().set(key.as_string(), value);
        }
        try {
          check_filter(made);
        } catch (const Error& error) {
          fail("filter_list", fmt::format("'{}': {}", pipeline.name, error.what()));
        }
        pipeline.steps.push_back(std::move(made));
      }
      config_.filters.push_back(std::move(pipeline));
    }
  }

  void read_metrics() {
    const std::optional<std::vector<Value>> given = mappings("metric_list");
    if (!given) {
      for (const std::string_view name : default_metrics(config_.output_type)) {
        config_.metrics.push_back(
            {.name = std::string(name), .aggregation = {}, .higher_is_better = {}, .arguments = Value::dict()});
      }
      return;
    }
    for (const Value& entry : *given) {
      MetricConfig metric{.name = {}, .aggregation = {}, .higher_is_better = {}, .arguments = Value::dict()};
      for (const auto& [key, value] : entry.as_dict().entries()) {
        const std::string& name = key.as_string();
        if (name == "metric") {
          metric.name = value.is_string() ? value.as_string() : function_name(value);
        } else if (name == "aggregation") {
          metric.aggregation = value.is_string() ? value.as_string() : function_name(value);
        } else if (name == "higher_is_better") {
          metric.higher_is_better = jinja::truthy(value);
        } else if (name != "hf_evaluate") {
          metric.arguments.as_dict().set(name, value);
        }
      }
      if (metric.name.empty()) fail("metric_list", "an entry needs a 'metric'");
      try {
        check_metric(metric, config_.output_type, !config_.process_results.is_none());
      } catch (const Error& error) {
        fail("metric_list", error.what());
      }
      config_.metrics.push_back(std::move(metric));
    }
  }

  void check_fields() const {
    if (config_.doc_to_text.is_none()) fail("doc_to_text", "is missing (\"\" if there is no text)");
    if (config_.doc_to_target.is_none()) fail("doc_to_target", "is missing");
    if (config_.output_type == OutputType::kMultipleChoice && config_.doc_to_choice.is_none()) {
      fail("doc_to_choice", "is missing, which multiple_choice needs");
    }
    if (!config_.test_split && !config_.validation_split) {
      fail("test_split", "is missing: give test_split or validation_split");
    }
  }

  const Value& mapping_;
  const std::map<std::string, YamlPlace>& places_;
  const fs::path& file_;
  TaskConfig config_;
};

void include_file(YamlMapping& merged, const fs::path& file, std::vector<fs::path>& open) {
  const fs::path canonical = fs::weakly_canonical(file);
  if (std::ranges::find(open, canonical) != open.end()) {
    throw RecipeError(fmt::format("{}: includes itself", file.string()));
  }
  open.push_back(canonical);
  const YamlMapping own = read_yaml(file);
  const Value* includes = own.value.as_dict().find("include");
  if (includes != nullptr && !includes->is_none()) {
    std::vector<Value> names = includes->is_sequence() ? includes->items() : std::vector<Value>{*includes};
    for (const Value& name : names) {
      if (!name.is_string())
        throw RecipeError(fmt::format("{}: include must be a file name", own.places.at("include").text()));
      const fs::path included = file.parent_path() / name.as_string();
      if (!fs::exists(included)) {
        throw RecipeError(
            fmt::format("{}: the included file {} is missing", own.places.at("include").text(), included.string()));
      }
      YamlMapping inner;
      include_file(inner, included, open);
      jinja::Budget budget{jinja::Limits{}};
      inner.value.as_dict().erase(Value::string("task_list"), budget);
      for (const auto& [key, value] : inner.value.as_dict().entries())
        merged.value.as_dict().set(key.as_string(), value);
      for (const auto& [key, place] : inner.places) merged.places[key] = place;
    }
  }
  for (const auto& [key, value] : own.value.as_dict().entries()) {
    if (key.is_string() && key.as_string() == "include") continue;
    if (!key.is_string()) throw RecipeError(fmt::format("{}: a key must be a text", file.string()));
    merged.value.as_dict().set(key.as_string(), value);
  }
  for (const auto& [key, place] : own.places) merged.places[key] = place;
  open.pop_back();
}

}  // namespace

std::string_view output_type_name(OutputType type) {
  switch (type) {
    case OutputType::kLogLikelihood:
      return "loglikelihood";
    case OutputType::kLogLikelihoodRolling:
      return "loglikelihood_rolling";
    case OutputType::kMultipleChoice:
      return "multiple_choice";
    case OutputType::kGenerateUntil:
      return "generate_until";
  }
  return "";
}

TaskConfig TaskConfig::from(const Value& mapping, const std::map<std::string, YamlPlace>& places,
                            const fs::path& file) {
  return ConfigReader(mapping, places, file).run();
}

YamlMapping read_task_file(const fs::path& file) {
  YamlMapping merged;
  std::vector<fs::path> open;
  include_file(merged, file, open);
  return merged;
}

}  // namespace cambium::tasks
