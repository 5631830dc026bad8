#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/json.h"
#include "checkpoint/json_reading.h"
#include "cli/commands.h"
#include "cli/terminal_progress.h"
#include "cli/text_table.h"
#include "report/study_text.h"
#include "study/portable_text.h"
#include "study/study_run.h"
#include "study/study_summary.h"
#include "tensor/error.h"

namespace cambium::cli {
namespace {

namespace fs = std::filesystem;

struct StudyFlags {
  std::string file, profile, out, step, cache;
  std::vector<std::string> sets;
  unsigned jobs = 1;
  bool dry_run = false, json = false, no_cache = false;
  bool sweeps_only = false;  ///< `sweep`: the arms that its sweeps need, and no others
};

// What `report DIR` needs to know of the run that made the folder.
struct StudyOrigin {
  std::string file, profile;
  std::vector<std::string> sets;
};
constexpr const char* kOriginFile = "origin.json";

fs::path out_folder(const StudyFlags& flags, const study::StudyFile& study) {
  if (!flags.out.empty()) return flags.out;
  return fs::path("studies.out") / (study.profile.empty() ? study.name : study.name + "-" + study.profile);
}

std::string run_line(const StudyFlags& flags, const study::StudyFile& study, const fs::path& folder) {
  std::vector<std::string> words{flags.sweeps_only ? "sweep" : "study", study::typed_path(flags.file)};
  if (!study.profile.empty()) words.insert(words.end(), {"--profile", study.profile});
  for (const std::string& set : flags.sets) words.insert(words.end(), {"--set", set});
  words.insert(words.end(), {"--out", study::typed_path(folder)});
  return "cambium " + study::shell_line(words);
}

// A sweep alone: its points, what they are compared with, and nothing else.
void keep_sweeps(study::StudyFile& study) {
  if (study.sweeps.empty())
    throw UsageError(fmt::format("{} has no sweeps; `cambium study` runs it", study.file.string()));
  std::erase_if(study.arms, [&](const study::Arm& arm) {
    if (!arm.sweep.empty()) return false;
    return std::ranges::none_of(
               study.sweeps,
               [&](const study::Sweep& sweep) { return sweep.reference == arm.name || sweep.target == arm.name; }) &&
           std::ranges::none_of(study.arms, [&](const study::Arm& other) { return other.from == arm.name; });
  });
  study.contrasts.clear();
  study.measures.clear();
}

void print_plan(const std::vector<study::PlannedStep>& steps, unsigned jobs, bool json) {
  const double left = study::seconds_left(steps, jobs);
  std::size_t open = 0;
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  std::string lines;
  for (const study::PlannedStep& each : steps) {
    const bool done = each.state == study::StepState::kDone;
    const std::string state(each.in_cache ? "cached" : study::state_name(each.state));
    if (!done) ++open;
    rows.push_back({{"step", each.step->name},
                    {"state", state},
                    {"seconds", each.seconds},
                    {"command", "cambium " + study::shell_line(each.step->command)},
                    {"needs", each.step->needs}});
    lines += fmt::format("{:<8} {:>7.0f} s  {}\n", state, each.seconds, each.step->name);
  }
  if (json) {
    std::cout << nlohmann::ordered_json{{"steps", rows}, {"open", open}, {"seconds_left", left}}.dump(1) << '\n';
  } else {
    std::cout << lines
              << fmt::format("{} steps, {} to run, about {:.0f} min{}\n", steps.size(), open, left / 60,
                             jobs > 1 ? fmt::format(" with {} side by side", jobs) : "");
  }
}

void print_headline(const report::StudyResults& results, const fs::path& folder) {
  std::cout << results.title << "\n\n" << report::table_markdown(report::group_table(results)) << "\n";
  if (!results.contrasts.empty()) std::cout << report::table_markdown(report::contrast_table(results)) << "\n";
  for (const report::SweepResult& sweep : results.sweeps) {
    if (!sweep.choice.empty()) std::cout << sweep.title << " (" << sweep.base << "): " << sweep.choice << "\n";
  }
  std::cout << "\nreport: " << (folder / "report.html").string() << "\n";
}

void print_step(const study::StudyRun& outcome, const StudyFlags& flags) {
  for (const study::PlannedStep& each : outcome.steps) {
    if (each.step->name != flags.step) continue;
    const std::string state(study::state_name(each.state));
    if (flags.json) {
      std::cout << nlohmann::ordered_json{{"step", flags.step}, {"state", state}, {"seconds", each.seconds}}.dump(1)
                << '\n';
    } else {
      std::cout << fmt::format("{}: {}, {:.1f} s\n", flags.step, state, each.seconds);
    }
  }
}

void run(const StudyFlags& flags) {
  study::StudyFile file = study::StudyFile::read(flags.file, flags.profile, flags.sets);
  if (flags.sweeps_only) keep_sweeps(file);
  const study::StepGraph graph = study::step_graph(file);
  const fs::path folder = out_folder(flags, file);
  const study::StudyFolder place(folder);
  const fs::path cache = flags.no_cache        ? fs::path()
                         : flags.cache.empty() ? study::default_cache()
                                               : fs::path(flags.cache);
  if (flags.dry_run) {
    print_plan(study::plan(graph, place, cache), std::max(1U, flags.jobs), flags.json);
    return;
  }
  fs::create_directories(folder);
  const study::StudyOptions options{.program = fs::read_symlink("/proc/self/exe"),
                                    .folder = folder,
                                    .cache = cache,
                                    .only_step = flags.step,
                                    .only_kind = {},
                                    .jobs = std::max(1U, flags.jobs)};
  std::size_t changed = 0;
  for (const study::PlannedStep& each : study::plan(graph, place)) {
    if (each.state != study::StepState::kChanged) continue;
    if (changed++ == 0) std::cerr << "inputs have changed; these are computed again:\n";
    std::cerr << "  " << each.step->name << '\n';
  }
  const nlohmann::ordered_json origin{{"file", fs::absolute(flags.file).string()},
                                      {"profile", file.profile},
                                      {"sets", flags.sets},
                                      {"sweeps_only", flags.sweeps_only}};
  checkpoint::write_file_atomically(folder / kOriginFile, origin.dump(1) + "\n");
  study::StudyRun outcome;
  {
    TerminalProgress progress;
    outcome = study::run_steps(graph, options, progress);
  }
  // Many steps by hand may end at the same time: the report is left to `cambium report`.
  if (!flags.step.empty()) {
    print_step(outcome, flags);
  } else {
    const report::StudyResults results =
        study::summarise(file, graph, place, CAMBIUM_VERSION, run_line(flags, file, folder));
    study::write_report(results, file, folder);
    if (flags.json) {
      std::cout << checkpoint::read_json(folder / "study.json").dump(1) << '\n';
    } else {
      print_headline(results, folder);
    }
  }
  if (outcome.failed + outcome.blocked > 0) {
    std::string why;
    for (const study::PlannedStep& each : outcome.steps) {
      if (each.state == study::StepState::kFailed) why += fmt::format("\n  {}: {}", each.step->name, each.message);
    }
    throw SystemError(
        fmt::format("{} step{} failed, {} could not run for want of them; the rest is done, and the same command tries "
                    "again{}",
                    outcome.failed, outcome.failed == 1 ? "" : "s", outcome.blocked, why));
  }
}

void write_again(const std::string& folder_name) {
  const fs::path folder(folder_name);
  if (!fs::exists(folder / kOriginFile)) {
    throw UsageError(fmt::format("{} is no study's folder ({} is missing); `cambium study FILE --out DIR` makes one",
                                 folder_name, kOriginFile));
  }
  const auto origin = checkpoint::read_json(folder / kOriginFile);
  StudyFlags flags;
  checkpoint::reading_json((folder / kOriginFile).string(), [&] {
    flags.file = origin.value("file", "");
    flags.profile = origin.value("profile", "");
    flags.sets = origin.value("sets", std::vector<std::string>{});
    flags.sweeps_only = origin.value("sweeps_only", false);
  });
  study::StudyFile file = study::StudyFile::read(flags.file, flags.profile, flags.sets);
  if (flags.sweeps_only) keep_sweeps(file);
  const study::StepGraph graph = study::step_graph(file);
  const report::StudyResults results =
      study::summarise(file, graph, study::StudyFolder(folder), CAMBIUM_VERSION, run_line(flags, file, folder));
  study::write_report(results, file, folder);
  print_headline(results, folder);
}

void add_run_options(CLI::App& command, const std::shared_ptr<StudyFlags>& flags) {
  command.add_option("study", flags->file, "study file (YAML)")->required()->check(CLI::ExistingFile);
  command.add_option("--profile", flags->profile, "one of the study's profiles (default: its first)");
  command.add_option("--out", flags->out, "the study's folder (default: studies.out/NAME-PROFILE)");
  command.add_option("--set", flags->sets, "path=value: changes the study, e.g. seeds=[1,2] or values.alpha=0.1");
  command.add_option("--step", flags->step, "run this step alone (what it needs must be done); no report");
  command.add_option("--jobs", flags->jobs, "steps at once")->capture_default_str();
  command.add_option("--cache", flags->cache, "folder for steps that studies share (default: the user's cache)");
  command.add_flag("--no-cache", flags->no_cache, "share no steps");
  command.add_flag("--dry-run", flags->dry_run, "list the steps with their state and time, run nothing");
  command.add_flag("--json", flags->json, "print JSON");
  command.callback([flags] { run(*flags); });
}

}  // namespace

void add_study_command(CLI::App& app) {
  auto flags = std::make_shared<StudyFlags>();
  add_run_options(*app.add_subcommand("study", "Run what is missing of a study and write its report"), flags);
}

void add_sweep_command(CLI::App& app) {
  auto flags = std::make_shared<StudyFlags>();
  flags->sweeps_only = true;
  add_run_options(*app.add_subcommand("sweep", "Run only the sweeps of a study, and what they need"), flags);
}

void add_report_command(CLI::App& app) {
  auto folder = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("report", "Write a study's report anew from what is in its folder");
  command->add_option("folder", *folder, "the study's folder")->required()->check(CLI::ExistingDirectory);
  command->callback([folder] { write_again(*folder); });
}

}  // namespace cambium::cli
