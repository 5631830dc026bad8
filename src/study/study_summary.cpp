#include "study/study_summary.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>
#include <thread>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/json.h"
#include "report/study_page.h"
#include "study/flip_examples.h"
#include "study/scores.h"
#include "study/sweep_summary.h"
#include "study/tuning_records.h"
#include "tasks/statistics/paired_comparison.h"
#include "tensor/error.h"

namespace cambium::study {
namespace {

namespace fs = std::filesystem;
using report::ScoreCell;

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

ScoreCell score_cell(const Scores::Cell& cell) {
  return {.value = cell.estimate.value,
          .low = cell.estimate.low,
          .high = cell.estimate.high,
          .samples = cell.samples,
          .seeds = cell.seeds};
}

bool takes(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::ranges::find(names, name) != names.end();
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

// A table of shift rows (`cambium shift --by tensor --json`) as layer x role maps of the mean over seeds.
void add_shifts(const StudyFile& study, const StepGraph& graph, const StudyFolder& folder,
                const std::set<std::string>& done, report::StudyResults& results) {
  double largest = 0;
  for (const Measure& measure : study.measures) {
    if (measure.kind != "shift") continue;
    for (const auto& [base, fields] : study.bases) {
      std::map<std::string, std::map<std::pair<int, std::string>, std::pair<double, int>>> cells;
      for (const MeasureRun& run : graph.measures) {
        if (run.measure != measure.name || run.base != base || !done.contains(run.step)) continue;
        const checkpoint::Json output = checkpoint::read_json(folder.step_path(run.step) / "stdout");
        for (const auto& row : output.is_array() ? output : output.value("rows", checkpoint::Json::array())) {
          if (!row.contains("layer") || !row["layer"].is_number_integer() || !row.contains("role")) continue;
          auto& cell = cells[row.value("model", "model")][{row["layer"].get<int>(), row["role"].get<std::string>()}];
          cell.first += row.value("mean_abs", 0.0);
          ++cell.second;
        }
      }
      for (const auto& [model, values] : cells) {
        report::HeatMap map{
            .title = fmt::format("{}: {} ({})", measure.title, fs::path(model).filename().string(), base),
            .description = "Mean absolute shift: one row for each layer, one column for each kind of tensor.",
            .unit = "mean |d|",
            .rows = {},
            .columns = {},
            .values = {}};
        std::set<int> layers;
        std::vector<std::string> roles;
        for (const auto& [place, value] : values) {
          layers.insert(place.first);
          if (std::ranges::find(roles, place.second) == roles.end()) roles.push_back(place.second);
        }
        std::ranges::sort(roles);
        map.columns = roles;
        for (const int layer : layers) {
          map.rows.push_back(fmt::format("{}", layer));
          for (const std::string& role : roles) {
            const auto found = values.find({layer, role});
            map.values.push_back(found == values.end() ? kNothing : found->second.first / found->second.second);
            if (found != values.end()) largest = std::max(largest, map.values.back());
          }
        }
        results.shifts.push_back(std::move(map));
      }
    }
  }
  for (report::HeatMap& map : results.shifts) map.largest = largest;
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

void add_abstract(const StudyFile& study, report::StudyResults& results) {
  for (const report::ContrastResult& each : results.contrasts) {
    std::string sentence = fmt::format("{} ({}): {:+.1f} points [{:+.1f}, {:+.1f}]", each.plot.name, each.base,
                                       each.plot.estimate, each.plot.low, each.plot.high);
    if (each.plot.expected == 0) {
      sentence += fmt::format("; {}.", each.verdict);
    } else {
      sentence += fmt::format("; {} expected, {}.", each.plot.expected > 0 ? "higher" : "lower",
                              each.verdict == "as expected" ? "and so it is"
                              : each.verdict == "opposite"  ? "the opposite is seen"
                                                            : "the samples do not tell them apart");
    }
    results.abstract.push_back(std::move(sentence));
  }
  for (const report::SweepResult& sweep : results.sweeps) {
    if (!sweep.choice.empty())
      results.abstract.push_back(fmt::format("{} ({}): {}", sweep.title, sweep.base, sweep.choice));
  }
  if (study.seeds.size() < 3) {
    results.abstract.push_back(fmt::format(
        "With {} seed{} the intervals tell how sure the samples are, not what another training run would give.",
        study.seeds.size(), study.seeds.size() == 1 ? "" : "s"));
  }
}

}  // namespace

report::StudyResults summarise(const StudyFile& study, const StepGraph& graph, const StudyFolder& folder,
                               const std::string& version, const std::string& command) {
  report::StudyResults results;
  results.name = study.name;
  results.title = study.title;
  results.paper = study.paper;
  results.question = study.question;
  results.profile = study.profile;
  results.command = command;
  std::vector<std::string> done;
  for (const PlannedStep& planned : plan(graph, folder)) {
    const Step& step = *planned.step;
    if (planned.state == StepState::kDone) {
      done.push_back(step.name);
    } else {
      results.missing.push_back(fmt::format("{}: {}{}{}", step.name, state_name(planned.state),
                                            planned.message.empty() ? "" : ": ", planned.message));
    }
    results.steps.push_back({.name = step.name,
                             .state = std::string(state_name(planned.state)),
                             .command = "cambium " + shell_line(step.command),
                             .message = planned.message,
                             .seconds = planned.state == StepState::kDone ? planned.seconds : 0});
  }
  for (const Arm& arm : study.arms) results.arms.emplace_back(arm.name, arm.title);
  const Scores scores = Scores::read(folder.path() / "results.db", study, graph, done);
  add_scores(study, scores, results);
  add_contrasts(study, scores, results);
  for (const Sweep& sweep : study.sweeps) {
    for (const auto& [base, fields] : study.bases) {
      if (auto result = sweep_result(study, sweep, base, scores)) results.sweeps.push_back(std::move(*result));
    }
  }
  add_shifts(study, graph, folder, {done.begin(), done.end()}, results);
  add_tuning_records(study, graph, folder, {done.begin(), done.end()}, results);
  results.flips = flip_examples(study, graph, folder, {done.begin(), done.end()});
  add_environment(study, graph, version, results);
  add_abstract(study, results);
  return results;
}

void write_report(const report::StudyResults& results, const StudyFile& study, const fs::path& folder) {
  fs::create_directories(folder / "figures");
  checkpoint::write_file_atomically(folder / "report.html", report::study_html(results));
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
