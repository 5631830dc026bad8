#include "study/study_summary.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/json.h"
#include "report/study_markdown.h"
#include "report/study_page.h"
#include "study/dose_panel.h"
#include "study/flip_examples.h"
#include "study/measure_panels.h"
#include "study/portable_text.h"
#include "study/prompt_panel.h"
#include "study/size_panel.h"
#include "study/study_abstract.h"
#include "study/sweep_summary.h"
#include "study/tuning_panels.h"
#include "tasks/statistics/paired_comparison.h"
#include "tensor/error.h"

namespace cambium::study {
namespace {

namespace fs = std::filesystem;
using report::ScoreCell;

ScoreCell score_cell(const Scores::Cell& cell) {
  return {.value = cell.estimate.value,
          .low = cell.estimate.low,
          .high = cell.estimate.high,
          .samples = cell.samples,
          .seeds = cell.seeds};
}

void add_scores(const StudyFile& study, const Scores& scores, report::StudyResults& results) {
  for (std::size_t i = 0; i < study.groups.size(); ++i) {
    results.groups.push_back(study.groups[i].title);
    for (const std::string& task : study.groups[i].tasks) results.tasks.emplace_back(task, i);
  }
  for (const auto& [base, fields] : study.bases) {
    for (const Arm& arm : study.arms) {
      if (!takes(arm.bases, base) || !arm.sweep.empty()) continue;
      report::ScoreRow row{.base = base, .arm = arm.name, .groups = {}, .tasks = {}};
      bool any = false;
      for (const TaskGroup& group : study.groups) {
        row.groups.push_back(score_cell(scores.mean(base, arm.name, group.name, group.tasks)));
        any = any || row.groups.back().seeds > 0;
        for (const std::string& task : group.tasks)
          row.tasks.push_back(score_cell(scores.mean(base, arm.name, group.name, {task})));
      }
      if (any) results.scores.push_back(std::move(row));
    }
  }
}

std::string verdict(const Estimate& estimate, int expected) {
  const int seen = estimate.low > 0 ? 1 : estimate.high < 0 ? -1 : 0;
  if (expected == 0) return seen > 0 ? "higher" : seen < 0 ? "lower" : "not told apart";
  if (seen == 0) return "not told apart";
  return seen == expected ? "as expected" : "opposite";
}

void add_contrasts(const StudyFile& study, const Scores& scores, report::StudyResults& results) {
  std::vector<double> p_values;
  for (const Contrast& contrast : study.contrasts) {
    for (const auto& [base, fields] : study.bases) {
      if (!takes(contrast.bases, base)) continue;
      const std::vector<std::string>& tasks =
          contrast.tasks.empty() ? study.group(contrast.group).tasks : contrast.tasks;
      const Scores::Cell cell = scores.difference(base, contrast.first, contrast.second, contrast.group, tasks);
      if (cell.seeds == 0) continue;
      report::ContrastResult result;
      result.plot = {.name = contrast.name,
                     .estimate = cell.estimate.value,
                     .low = cell.estimate.low,
                     .high = cell.estimate.high,
                     .expected = contrast.expected,
                     .note = {}};
      result.base = base;
      result.first = contrast.first;
      result.second = contrast.second;
      result.group = contrast.group;
      result.verdict = verdict(cell.estimate, contrast.expected);
      result.p_value = cell.estimate.p_value;
      result.samples = cell.samples;
      result.seeds = cell.seeds;
      result.note = contrast.note;
      p_values.push_back(cell.estimate.p_value);
      results.contrasts.push_back(std::move(result));
    }
  }
  const std::vector<double> adjusted = tasks::holm_correction(p_values);
  for (std::size_t i = 0; i < adjusted.size(); ++i) results.contrasts[i].adjusted_p = adjusted[i];
}

std::string first_match(const char* file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const auto colon = line.find(':');
    const auto begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? std::string() : line.substr(begin);
  }
  return {};
}

void add_environment(const StudyFile& study, const StepGraph& graph, const std::string& version,
                     report::StudyResults& results) {
  utsname system{};
  ::uname(&system);
  std::ifstream in(study.file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  std::string steps;
  for (const Step& step : graph.steps) steps += checkpoint::to_string(step.inputs);
  results.environment = {{"cambium", version},
                         {"study file", fmt::format("{} (XXH3-128 {})", study.file.filename().string(),
                                                    checkpoint::to_string(checkpoint::hash_text(text.str())))},
                         {"inputs of all steps", checkpoint::to_string(checkpoint::hash_text(steps))},
                         {"seeds", fmt::format("{}", fmt::join(study.seeds, ", "))},
                         {"processor", fmt::format("{}, {} threads", first_match("/proc/cpuinfo", "model name"),
                                                   std::thread::hardware_concurrency())},
                         {"memory", first_match("/proc/meminfo", "MemTotal")},
                         {"system", fmt::format("{} {} {}", system.sysname, system.release, system.machine)}};
}

std::string part_of(const Step& step) {
  // "llama/s1/tuned/vision/eval": base and arm. Others stand alone.
  const auto first = step.name.find('/');
  const auto second = first == std::string::npos ? first : step.name.find('/', first + 1);
  if (second == std::string::npos) return step.name;
  const auto third = step.name.find('/', second + 1);
  return fmt::format("{} / {}", step.name.substr(0, first), step.name.substr(second + 1, third - second - 1));
}

bool of_first_seed(const Step& step, const StudyFile& study) {
  for (const std::int64_t seed : study.seeds) {
    if (seed == study.seeds.front()) continue;
    if (step.name.find(fmt::format("/s{}/", seed)) != std::string::npos ||
        step.name.ends_with(fmt::format("-s{}", seed)))
      return false;
  }
  return true;
}

// Commands that show what a table's number is made of.
void add_by_hand(const StepGraph& graph, const std::set<std::string>& done, const std::string& folder,
                 report::StudyResults& results) {
  results.by_hand.push_back(fmt::format("cd {}", folder));
  for (const report::ContrastResult& contrast : results.contrasts) {
    const auto run_of = [&](const std::string& arm) {
      const auto found = std::ranges::find_if(graph.evaluations, [&](const EvalRun& run) {
        return run.base == contrast.base && run.arm == arm && run.group == contrast.group && done.contains(run.step);
      });
      return found == graph.evaluations.end() ? std::string() : "results.db:" + found->run_name;
    };
    const std::string first = run_of(contrast.first);
    const std::string second = run_of(contrast.second);
    if (first.empty() || second.empty()) continue;
    results.by_hand.push_back(fmt::format("# one contrast under one seed, task by task, and the answers that changed"));
    results.by_hand.push_back("cambium " + shell_line({"compare", first, second}));
    results.by_hand.push_back("cambium " + shell_line({"errors", first, second}));
    break;
  }
}

}  // namespace

report::StudyResults summarise(const StudyFile& study, const StepGraph& graph, const StudyFolder& folder,
                               const std::string& version, const std::string& command) {
  const PortableText portable(folder.path(), study.file);
  report::StudyResults results;
  results.name = study.name;
  results.title = study.title;
  results.paper = study.paper;
  results.question = study.question;
  results.profile = study.profile;
  results.command = portable(command);
  std::vector<std::string> done_steps;
  for (const PlannedStep& planned : plan(graph, folder)) {
    const Step& step = *planned.step;
    if (planned.state == StepState::kDone) {
      done_steps.push_back(step.name);
    } else {
      results.missing.push_back(portable(fmt::format("{}: {}{}{}", step.name, state_name(planned.state),
                                                     planned.message.empty() ? "" : ": ", planned.message)));
    }
    results.steps.push_back({.name = step.name,
                             .state = std::string(state_name(planned.state)),
                             .command = portable("cambium " + shell_line(step.command)),
                             .message = portable(planned.message),
                             .part = part_of(step),
                             .first_seed = of_first_seed(step, study),
                             .seconds = planned.state == StepState::kDone ? planned.seconds : 0});
  }
  const std::set<std::string> done(done_steps.begin(), done_steps.end());
  for (const Arm& arm : study.arms) {
    if (arm.sweep.empty()) results.arms.emplace_back(arm.name, arm.title);
  }
  const Scores scores = Scores::read(folder.path() / "results.db", study, graph, done_steps);
  add_scores(study, scores, results);
  add_contrasts(study, scores, results);
  for (const Sweep& sweep : study.sweeps) {
    for (const auto& [base, fields] : study.bases) {
      if (auto result = sweep_result(study, sweep, base, scores)) results.sweeps.push_back(std::move(*result));
    }
  }
  const StudyData data{.study = study, .graph = graph, .folder = folder, .done = done, .scores = scores};
  const std::vector<TuningRecord> records = read_tuning_records(data);
  for (auto& panel : {dose_panel(data, records), size_panel(data), text_share_panel(data, records), prompt_panel(data),
                      transfer_panel(data, records), forgetting_panel(records), shift_panel(data), heads_panel(data),
                      errors_panel(data), mixture_panel(records)}) {
    if (panel) results.panels.push_back(*panel);
  }
  results.flips = flip_examples(data);
  add_by_hand(graph, done, typed_path(folder.path()), results);
  add_environment(study, graph, version, results);
  add_abstract(study, results);
  return results;
}

void write_report(const report::StudyResults& results, const StudyFile& study, const fs::path& folder) {
  fs::create_directories(folder / "figures");
  checkpoint::write_file_atomically(folder / "report.html", report::study_html(results));
  for (const auto& entry : fs::directory_iterator(folder / "figures")) {
    // Figures of an earlier report; there may be fewer now.
    if (entry.path().filename().string().starts_with("figure-") ||
        entry.path().filename().string().starts_with("sample-"))
      fs::remove(entry.path());
  }
  for (const auto& [name, text] : report::study_markdown(results))
    checkpoint::write_file_atomically(folder / name, text);
  Json json{{"study", results.name}, {"title", results.title}, {"profile", results.profile}, {"seeds", study.seeds}};
  Json arms = Json::array(), steps = arms, scores = arms, contrasts = arms;
  for (const auto& [name, title] : results.arms) arms.push_back({{"name", name}, {"title", title}});
  for (const report::StepRow& step : results.steps) {
    steps.push_back({{"name", step.name},
                     {"state", step.state},
                     {"command", step.command},
                     {"seconds", step.seconds},
                     {"message", step.message}});
  }
  const auto cell_json = [](const ScoreCell& cell) {
    return Json{{"value", cell.value},
                {"low", cell.low},
                {"high", cell.high},
                {"samples", cell.samples},
                {"seeds", cell.seeds}};
  };
  for (const report::ScoreRow& row : results.scores) {
    Json groups = Json::object(), tasks = Json::object();
    for (std::size_t i = 0; i < row.groups.size(); ++i) {
      if (row.groups[i].seeds > 0) groups[study.groups[i].name] = cell_json(row.groups[i]);
    }
    for (std::size_t i = 0; i < row.tasks.size(); ++i) {
      if (row.tasks[i].seeds > 0) tasks[results.tasks[i].first] = cell_json(row.tasks[i]);
    }
    scores.push_back({{"base", row.base}, {"arm", row.arm}, {"groups", groups}, {"tasks", tasks}});
  }
  for (const report::ContrastResult& each : results.contrasts) {
    contrasts.push_back({{"name", each.plot.name},
                         {"base", each.base},
                         {"first", each.first},
                         {"second", each.second},
                         {"group", each.group},
                         {"expected", each.plot.expected},
                         {"difference", each.plot.estimate},
                         {"low", each.plot.low},
                         {"high", each.plot.high},
                         {"p_value", each.p_value},
                         {"adjusted_p", each.adjusted_p},
                         {"verdict", each.verdict},
                         {"samples", each.samples},
                         {"seeds", each.seeds}});
  }
  json["arms"] = arms;
  json["steps"] = steps;
  json["scores"] = scores;
  json["contrasts"] = contrasts;
  json["abstract"] = results.abstract;
  json["missing"] = results.missing;
  checkpoint::write_file_atomically(folder / "study.json", json.dump(1) + "\n");
}

}  // namespace cambium::study
