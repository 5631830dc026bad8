#include "tasks/comparison/harness_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "tasks/text_file.h"
#include "tensor/error.h"
#include "text/jinja_json.h"
#include "text/jinja_number_text.h"
#include "text/jinja_operators.h"
#include "text/python_regex.h"

namespace cambium::tasks {
namespace {

namespace fs = std::filesystem;
namespace jinja = text::jinja;
using jinja::Value;

const Value* member(const Value& object, std::string_view key) {
  return object.is_dict() ? object.as_dict().find(key) : nullptr;
}

std::string text_of(const Value& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_none()) return {};
  jinja::Budget budget{jinja::Limits{}};
  return jinja::to_json(value, {}, budget);
}

// "samples_TASK_2026-11-22T06-36-01.123.jsonl.gz": task and date (empty if there is none).
struct SamplesFile {
  fs::path path;
  std::string task, date;
};

std::optional<SamplesFile> samples_file(const fs::path& path) {
  static const text::PythonRegex kDated(R"(^(.*)_(\d{4}-\d\d-\d\dT[-0-9:.]+)$)");
  std::string name = path.filename().string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  if (!name.starts_with("samples_") || !name.ends_with(".jsonl")) return std::nullopt;
  name = name.substr(8, name.size() - 8 - 6);
  const std::size_t at = name.size() >= 12 ? name.rfind('_') : std::string::npos;
  if (at != std::string::npos && kDated.search(name)) return SamplesFile{path, name.substr(0, at), name.substr(at + 1)};
  return SamplesFile{path, name, ""};
}

class FolderReader {
 public:
  RecordedRun run(const fs::path& path) {
    std::vector<SamplesFile> files;
    std::vector<fs::path> results;
    if (fs::is_directory(path)) {
      for (const auto& item : fs::recursive_directory_iterator(path)) {
        if (!item.is_regular_file()) continue;
        const std::string name = item.path().filename().string();
        if (auto samples = samples_file(item.path())) files.push_back(*samples);
        if (name.starts_with("results") && name.ends_with(".json")) results.push_back(item.path());
      }
    } else if (auto samples = samples_file(path)) {
      files.push_back(*samples);
    }
    if (files.empty()) {
      throw RecipeError(fmt::format(
          "{}: holds no samples_TASK.jsonl; evaluate with --output_path and --log_samples, or name a store's run",
          path.string()));
    }
    std::set<fs::path> folders;
    for (const SamplesFile& file : files) folders.insert(file.path.parent_path());
    if (folders.size() > 1) {
      throw RecipeError(fmt::format("{}: holds several runs' samples, in {} and {}; name one of these folders",
                                    path.string(), folders.begin()->string(), std::next(folders.begin())->string()));
    }
    // The latest of each task.
    std::ranges::sort(files, {}, [](const SamplesFile& file) { return std::pair(file.task, file.date); });
    run_.label = path.filename().empty() ? path.parent_path().filename().string() : path.filename().string();
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (i + 1 < files.size() && files[i + 1].task == files[i].task) continue;
      run_.tasks.push_back(read_task(files[i]));
    }
    std::ranges::sort(results);
    for (const fs::path& file : results) {
      if (file.parent_path() == *folders.begin()) add_results(file);
    }
    return std::move(run_);
  }

 private:
  static RecordedTask read_task(const SamplesFile& file) {
    RecordedTask task;
    task.name = file.task;
    std::map<std::size_t, RecordedSample> samples;
    const std::string text = read_text_file(file.path);
    std::size_t line = 0;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      const std::string_view row = std::string_view(text).substr(begin, end - begin);
      begin = end + 1;
      ++line;
      if (row.find_first_not_of(" \r\t") == std::string_view::npos) continue;
      const std::string where = fmt::format("{}:{}", file.path.string(), line);
      add_row(task, samples, jinja::from_json(row, where), where);
    }
    for (auto& [number, sample] : samples) task.samples.push_back(std::move(sample));
    return task;
  }

  static void add_row(RecordedTask& task, std::map<std::size_t, RecordedSample>& samples, const Value& row,
                      const std::string& where) {
    const Value* number = member(row, "doc_id");
    const Value* document = member(row, "doc");
    const Value* responses = member(row, "resps");
    const Value* metrics = member(row, "metrics");
    if (number == nullptr || !number->is_integral() || number->as_int() < 0 || document == nullptr ||
        responses == nullptr || !responses->is_sequence() || metrics == nullptr || !metrics->is_sequence()) {
      throw RecipeError(fmt::format("{}: a sample needs doc_id, doc, resps and metrics", where));
    }
    const Value* filter = member(row, "filter");
    const std::string filter_name = filter != nullptr && filter->is_string() ? filter->as_string() : "none";
    RecordedSample& sample = samples[static_cast<std::size_t>(number->as_int())];
    if (sample.answers.empty()) {
      sample.number = static_cast<std::size_t>(number->as_int());
      sample.document = *document;
      if (const Value* target = member(row, "target")) sample.target = text_of(*target);
      add_answers(task, sample, row, *responses, where);
    }
    if (const Value* left = member(row, "filtered_resps");
        left != nullptr && left->is_sequence() && !left->items().empty()) {
      sample.filtered[filter_name] = text_of(left->items().front());
    }
    for (const Value& name : metrics->items()) {
      const Value* value = name.is_string() ? member(row, name.as_string()) : nullptr;
      if (value == nullptr) throw RecipeError(fmt::format("{}: a metric that is listed has no value", where));
      if (!value->is_none()) sample.scores.push_back({filter_name, name.as_string(), *value});
    }
  }

  static void add_answers(RecordedTask& task, RecordedSample& sample, const Value& row, const Value& responses,
                          const std::string& where) {
    // Arguments are [[context, continuation or options], ...], or {"gen_args_0": {"arg_0": ...}, ...}.
    std::vector<std::pair<Value, Value>> arguments;
    if (const Value* listed = member(row, "arguments"); listed != nullptr && listed->is_sequence()) {
      for (const Value& one : listed->items()) {
        if (!one.is_sequence()) continue;
        arguments.emplace_back(one.items().empty() ? Value() : one.items()[0],
                               one.items().size() < 2 ? Value() : one.items()[1]);
      }
    } else if (listed != nullptr && listed->is_dict()) {
      for (const auto& [key, one] : listed->as_dict().entries()) {
        const Value* first = member(one, "arg_0");
        const Value* second = member(one, "arg_1");
        arguments.emplace_back(first == nullptr ? Value() : *first, second == nullptr ? Value() : *second);
      }
    }
    for (std::size_t i = 0; i < responses.items().size(); ++i) {
      const Value& response = responses.items()[i];  // one a repeat
      if (!response.is_sequence() || response.items().empty())
        throw RecipeError(fmt::format("{}: resps must hold a list for each request", where));
      ModelAnswer answer;
      if (i < arguments.size()) {
        if (arguments[i].first.is_string()) answer.prompt = arguments[i].first.as_string();
        if (arguments[i].second.is_string()) answer.continuation = arguments[i].second.as_string();
        if (const Value* most = member(arguments[i].second, "max_gen_toks"); most != nullptr && most->is_integral())
          task.max_new_tokens = static_cast<std::size_t>(most->as_int());
      }
      const Value& first = response.items().front();
      // [ll, greedy] as it is, or as the texts that the reference writes.
      const auto number = [](const Value& value) {
        if (value.is_number()) return std::optional(jinja::to_double(value));
        return value.is_string() ? jinja::read_float(value.as_string()) : std::nullopt;
      };
      if (first.is_sequence() && !first.items().empty()) {
        answer.log_likelihood = number(first.items().front()).value_or(0);
      } else if (!answer.continuation.empty() || response.items().size() == 2) {
        answer.log_likelihood = number(first).value_or(0);
      }
      if (first.is_string()) answer.text = first.as_string();
      sample.answers.push_back(std::move(answer));
    }
  }

  void add_results(const fs::path& file) {
    const Value results = jinja::from_json(read_text_file(file), file.string());
    if (const Value* model = member(results, "model_name"); model != nullptr && model->is_string())
      run_.label = model->as_string();
    const Value* better = member(results, "higher_is_better");
    const Value* shots = member(results, "n-shot");
    const Value* configs = member(results, "configs");
    for (RecordedTask& task : run_.tasks) {
      const Value* of_task = better == nullptr ? nullptr : member(*better, task.name);
      if (of_task != nullptr && of_task->is_dict()) {
        for (const auto& [metric, higher] : of_task->as_dict().entries()) {
          if (metric.is_string() && higher.is(jinja::Type::kBool))
            task.higher_is_better[metric.as_string()] = higher.as_bool();
        }
      }
      const Value* count = shots == nullptr ? nullptr : member(*shots, task.name);
      if (count != nullptr && count->is_integral()) task.num_fewshot = static_cast<int>(count->as_int());
      const Value* config = configs == nullptr ? nullptr : member(*configs, task.name);
      const Value* metadata = config == nullptr ? nullptr : member(*config, "metadata");
      const Value* cluster = metadata == nullptr ? nullptr : member(*metadata, "cluster");
      if (cluster != nullptr && cluster->is_string()) task.cluster_field = cluster->as_string();
    }
    if (const Value* groups = member(results, "group_subtasks"); groups != nullptr && groups->is_dict()) {
      for (const auto& [group, tasks] : groups->as_dict().entries()) {
        if (!tasks.is_sequence() || tasks.items().empty()) continue;
        std::vector<std::string>& names = run_.groups[group.as_string()];
        names.clear();
        for (const Value& task : tasks.items()) names.push_back(text_of(task));
      }
    }
  }

  RecordedRun run_;
};

}  // namespace

RecordedRun read_harness_folder(const fs::path& path) { return FolderReader().run(path); }

}  // namespace cambium::tasks
