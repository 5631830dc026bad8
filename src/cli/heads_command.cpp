#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "checkpoint/checkpoint_writer.h"
#include "cli/commands.h"
#include "cli/engine_library.h"
#include "cli/heads_comparison.h"
#include "cli/heads_results.h"
#include "cli/terminal_progress.h"
#include "cli/text_table.h"
#include "eval/heads_run.h"
#include "tensor/error.h"

namespace cambium::cli {
namespace {

using eval::HeadsReport;
using eval::HeadsRow;
using eval::HeadsTask;
using nlohmann::ordered_json;

struct HeadsFlags {
  eval::HeadsOptions run;
  std::string base, mllm, layers, csv, html, out;
  std::vector<std::string> vision_tasks;
  int num_fewshot = 0;
  double limit = 0;
  std::size_t most = 15;
  bool json = false;
};

// "0,4-7" as numbers.
std::vector<std::size_t> numbers_of(const std::string& text) {
  std::vector<std::size_t> numbers;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const std::size_t dash = part.find('-');
    const std::string first = part.substr(0, dash), last = dash == std::string::npos ? first : part.substr(dash + 1);
    const auto digits = [](const std::string& number) {
      return !number.empty() && number.size() < 7 && number.find_first_not_of("0123456789") == std::string::npos;
    };
    if (!digits(first) || !digits(last) || std::stoul(first) > std::stoul(last))
      throw UsageError(fmt::format("--layers {}: expected numbers and ranges, as in 0,4-7", text));
    for (std::size_t i = std::stoul(first); i <= std::stoul(last); ++i) numbers.push_back(i);
  }
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

HeadsReport study(const HeadsFlags& options, const std::string& model, const std::vector<std::string>& tasks) {
  eval::HeadsOptions run = options.run;
  run.model = model;
  run.tasks = tasks;
  run.keep_options = !options.out.empty();
  TerminalProgress progress;
  run.progress = &progress;
  HeadsReport report;
  engine_function<decltype(cambium_heads)>("cambium_heads")(run, report);
  return report;
}

std::string study_name(const HeadsReport& report, const HeadsTask& task) { return report.model + ", " + task.name; }

// Base against grafted model on each language task; then, within the grafted one, language tasks against visual ones.
std::vector<HeadsComparison> comparisons_of(const HeadsReport& base, const HeadsReport& grafted,
                                            std::size_t language_tasks) {
  std::vector<HeadsComparison> made;
  for (std::size_t i = 0; i < language_tasks; ++i) {
    made.push_back(compare_heads(study_name(base, base.tasks[i]), base.tasks[i], study_name(grafted, grafted.tasks[i]),
                                 grafted.tasks[i]));
  }
  for (std::size_t v = language_tasks; v < grafted.tasks.size(); ++v) {
    for (std::size_t i = 0; i < language_tasks; ++i) {
      made.push_back(compare_heads(study_name(grafted, grafted.tasks[i]), grafted.tasks[i],
                                   study_name(grafted, grafted.tasks[v]), grafted.tasks[v]));
    }
  }
  return made;
}

ordered_json as_json(const HeadsReport& report) {
  ordered_json tasks = ordered_json::array();
  for (const HeadsTask& task : report.tasks) {
    ordered_json rows = ordered_json::array();
    for (const HeadsRow& row : task.rows) {
      rows.push_back({{"layer", row.layer},
                      {"heads", row.heads},
                      {"accuracy", row.accuracy},
                      {"probability", row.probability},
                      {"kl", row.kl}});
    }
    tasks.push_back({{"task", task.name},
                     {"n", task.questions},
                     {"accuracy", task.accuracy},
                     {"probability", task.probability},
                     {"heads", rows}});
  }
  return {{"model", report.model},
          {"layers", report.layers},
          {"heads", report.heads},
          {"tasks", tasks},
          {"load_seconds", report.load_seconds},
          {"seconds", report.seconds}};
}

ordered_json as_json(const HeadsComparison& comparison) {
  return {{"first", comparison.first},
          {"second", comparison.second},
          {"spearman", comparison.spearman},
          {"top", comparison.top},
          {"both", comparison.both},
          {"only_first", comparison.only_first},
          {"only_second", comparison.only_second}};
}

void print(const HeadsReport& report, std::size_t most) {
  using enum TextTable::Align;
  for (const HeadsTask& task : report.tasks) {
    std::cout << fmt::format("{}, {}: {} questions, accuracy {:.4f}, probability of right options {:.4f}\n",
                             report.model, task.name, task.questions, task.accuracy, task.probability);
    TextTable table({{"layer.head"},
                     {"KL", kRight},
                     {"accuracy", kRight},
                     {"change", kRight},
                     {"probability", kRight},
                     {"change", kRight}});
    std::vector<const HeadsRow*> order;
    for (const HeadsRow& row : task.rows) order.push_back(&row);
    std::ranges::stable_sort(order, std::ranges::greater(), &HeadsRow::kl);
    for (std::size_t i = 0; i < std::min(most, order.size()); ++i) {
      const HeadsRow& row = *order[i];
      table.add_row({head_name(row), fmt::format("{:.6f}", row.kl), fmt::format("{:.4f}", row.accuracy),
                     fmt::format("{:+.4f}", row.accuracy - task.accuracy), fmt::format("{:.4f}", row.probability),
                     fmt::format("{:+.4f}", row.probability - task.probability)});
    }
    table.print(std::cout);
  }
  std::cout << fmt::format("{} layers of {} heads, in {} (model loaded in {})\n", report.layers, report.heads,
                           human_seconds(report.seconds), human_seconds(report.load_seconds));
}

void run_heads(HeadsFlags& options) {
  const bool pair = !options.base.empty() || !options.mllm.empty();
  if (pair == !options.run.model.empty() || (pair && (options.base.empty() || options.mllm.empty())))
    throw UsageError("give either a model, or both --base and --mllm");
  if (!pair && !options.vision_tasks.empty()) throw UsageError("--vision-tasks goes with --base and --mllm");
  options.run.layers = numbers_of(options.layers);
  std::vector<HeadsReport> reports;
  std::vector<HeadsComparison> comparisons;
  if (pair) {
    std::vector<std::string> all = options.run.tasks;
    all.insert(all.end(), options.vision_tasks.begin(), options.vision_tasks.end());
    reports.push_back(study(options, options.base, options.run.tasks));
    reports.push_back(study(options, options.mllm, all));
    comparisons = comparisons_of(reports[0], reports[1], reports[0].tasks.size());
  } else {
    reports.push_back(study(options, options.run.model, options.run.tasks));
  }
  if (!options.csv.empty()) checkpoint::write_file_atomically(options.csv, heads_csv(reports));
  if (!options.html.empty()) checkpoint::write_file_atomically(options.html, heads_page(reports, comparisons));
  if (!options.out.empty()) {
    if (pair) {
      write_heads_folder(std::filesystem::path(options.out) / "base", reports[0]);
      write_heads_folder(std::filesystem::path(options.out) / "mllm", reports[1]);
    } else {
      write_heads_folder(options.out, reports[0]);
    }
  }
  if (options.json) {
    if (!pair) {
      std::cout << as_json(reports[0]).dump(1) << std::endl;
      return;
    }
    ordered_json pairs = ordered_json::array();
    for (const HeadsComparison& comparison : comparisons) pairs.push_back(as_json(comparison));
    const ordered_json object{{"base", as_json(reports[0])}, {"mllm", as_json(reports[1])}, {"comparisons", pairs}};
    std::cout << object.dump(1) << std::endl;
    return;
  }
  for (const HeadsReport& report : reports) print(report, options.most);
  for (const HeadsComparison& comparison : comparisons) {
    std::cout << fmt::format("{} against {}: rank correlation {:.3f}; {} of the {} most important heads are shared\n",
                             comparison.first, comparison.second, comparison.spearman, comparison.both.size(),
                             comparison.top);
  }
  std::cout.flush();
}

}  // namespace

void add_heads_command(CLI::App& app) {
  auto options = std::make_shared<HeadsFlags>();
  eval::HeadsOptions& study = options->run;
  CLI::App* command = app.add_subcommand("heads", "Switch off each attention head and measure what tasks lose");
  command->add_option("model", study.model, "folder, org/name in the Hugging Face cache, or recipe");
  command->add_option("-t,--tasks", study.tasks, "tasks with options (multiple_choice), with commas")
      ->delimiter(',')
      ->required()
      ->allow_extra_args(false);
  command->add_option("--base", options->base, "a language model, to compare with --mllm");
  command->add_option("--mllm", options->mllm, "the multimodal model grafted on it");
  command->add_option("--vision-tasks", options->vision_tasks, "tasks with pictures, for --mllm alone, with commas")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--by", study.by, "what is switched off together: head, kv (heads that share a key), layer")
      ->check(CLI::IsMember({"head", "kv", "layer"}))
      ->capture_default_str();
  command->add_option("--layers", options->layers, "only these layers: numbers and ranges, as in 0,4-7");
  command->add_option("-f,--num_fewshot,--num-fewshot", options->num_fewshot, "examples in front of each question");
  command->add_option("-L,--limit", options->limit, "the first documents of each task: a number, or a share below 1")
      ->check(CLI::PositiveNumber);
  command->add_option("--include_path,--include-path", study.include_paths, "folder of more task files")
      ->allow_extra_args(false);
  command->add_option("--data_root,--data-root", study.data_roots, "folder where tasks' data files are looked for")
      ->allow_extra_args(false);
  command->add_flag("--apply_chat_template,--apply-chat-template", study.apply_chat_template,
                    "put prompts into the model's chat template");
  command->add_option("--dtype", study.dtype, "auto, float32, bfloat16 or float16")->capture_default_str();
  command->add_option("--threads", study.threads, "0: all CPUs")->capture_default_str();
  command->add_option("--cache-memory", study.cache_gib, "GiB for keys and values; 0: a quarter of the machine's")
      ->capture_default_str();
  command->add_option("--most", options->most, "heads that the table shows")->capture_default_str();
  command->add_flag("--json", options->json, "print all numbers as JSON");
  command->add_option("--csv", options->csv, "write a row for each head to this file");
  command->add_option("--html", options->html, "write a page with heat maps to this file");
  command->add_option("-o,--out", options->out, "folder for accu_prob.json, prob.json, kl.json, option_logits.jsonl");
  command->callback([options, command] {
    if (command->count("--num_fewshot") > 0) options->run.num_fewshot = options->num_fewshot;
    if (command->count("--limit") > 0) options->run.limit = options->limit;
    run_heads(*options);
  });
}

}  // namespace cambium::cli
