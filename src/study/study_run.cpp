#include "study/study_run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <set>
#include <thread>

#include "study/child_process.h"
#include "study/step_times.h"
#include "tensor/error.h"

namespace cambium::study {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

void write_text(const fs::path& file, std::string_view text) {
  fs::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!out.flush()) throw SystemError(fmt::format("cannot write {}", file.string()));
}

std::string now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

constexpr std::chrono::seconds kPatience{60};  // for commands that were asked to stop

// One step under way.
struct Running {
  const Step* step = nullptr;
  std::unique_ptr<ChildProcess> child;
  std::unique_ptr<FileLock> lock;
  Clock::time_point began;
  std::string started;
};

class StepRunner {
 public:
  StepRunner(const StepGraph& graph, const StudyOptions& options, Progress& progress)
      : graph_(graph), options_(options), progress_(progress), folder_(options.folder) {}

  StudyRun run() {
    fs::create_directories(options_.folder / "steps");
    const FileLock lock(options_.folder / ".lock", !options_.only_step.empty(), options_.folder.string());
    choose();
    progress_.begin("study", wanted_.size(), "steps");
    for (;;) {
      const bool stopping = progress_.stop_requested();
      if (stopping && !asked_) {
        for (const Running& each : running_) each.child->interrupt();
        asked_ = true;
        asked_at_ = Clock::now();
      }
      // A command that does not stop is killed: what it has written goes on as after any other kill.
      if (asked_ && Clock::now() - asked_at_ > kPatience) running_.clear();
      if (!stopping) start_what_can();
      if (running_.empty() && (stopping || waiting_.empty())) break;
      if (running_.empty()) block_rest();
      collect();
      if (!running_.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (asked_) throw Interrupted("stopped; the same command goes on from here");
    result_.steps = plan(graph_, folder_);
    return result_;
  }

 private:
  void want(const std::string& name) {
    if (!wanted_.insert(name).second) return;
    for (const std::string& need : graph_.step(name).needs) want(need);
  }
  void choose() {
    if (!options_.only_step.empty()) {
      const Step& step = graph_.step(options_.only_step);
      std::string missing;
      for (const std::string& need : step.needs) {
        if (folder_.state(graph_.step(need)) != StepState::kDone) missing += (missing.empty() ? "" : ", ") + need;
      }
      if (!missing.empty())
        throw UsageError(fmt::format("the step '{}' needs steps that are not done: {}", step.name, missing));
      wanted_.insert(step.name);
    } else {
      for (const Step& step : graph_.steps) {
        if (options_.only_kind.empty() || step.kind == options_.only_kind) want(step.name);
      }
    }
    for (const Step& step : graph_.steps) {
      if (!wanted_.contains(step.name)) continue;
      if (folder_.state(step) == StepState::kDone) {
        done_.insert(step.name);
        ++result_.reused;
        progress_.advance(1);
      } else {
        waiting_.push_back(&step);
      }
    }
  }

  bool ready(const Step& step) const {
    return std::ranges::all_of(
        step.needs, [&](const std::string& need) { return done_.contains(need) || (!options_.only_step.empty()); });
  }
  bool hopeless(const Step& step) const {
    return std::ranges::any_of(step.needs, [&](const std::string& need) { return lost_.contains(need); });
  }

  void start_what_can() {
    for (std::size_t i = 0; i < waiting_.size();) {
      const Step& step = *waiting_[i];
      if (hopeless(step)) {
        block(step);
        waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
      } else if (running_.size() < options_.jobs && ready(step)) {
        waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
        start(step);
        // What was freed may stand in front.
        i = 0;
      } else {
        ++i;
      }
    }
  }
  void block(const Step& step) {
    std::string why;
    for (const std::string& need : step.needs) {
      if (lost_.contains(need)) why += (why.empty() ? "" : ", ") + need;
    }
    lost_.insert(step.name);
    ++result_.blocked;
    folder_.write_record(step.name, {.state = StepState::kBlocked,
                                     .inputs = checkpoint::to_string(step.inputs),
                                     .seconds = 0,
                                     .started = {},
                                     .message = "needs " + why,
                                     .from_cache = false});
    progress_.advance(1);
  }
  void block_rest() {
    for (const Step* step : waiting_) block(*step);
    waiting_.clear();
  }

  [[nodiscard]] fs::path cached_place(const Step& step) const {
    return step.cached && !options_.cache.empty() ? options_.cache / checkpoint::to_string(step.inputs) : fs::path();
  }

  void start(const Step& step) {
    const fs::path place = folder_.step_path(step.name);
    fs::create_directories(place);
    auto lock = std::make_unique<FileLock>(place / ".lock", false, "the step " + step.name);
    const fs::path output = step.output.empty() ? fs::path() : options_.folder / step.output;
    const fs::path cached = cached_place(step);
    if (!cached.empty() && fs::exists(cached)) {
      fs::create_directories(output.parent_path());
      fs::remove_all(output);
      fs::create_directory_symlink(cached, output);
      finish(step, {.state = StepState::kDone,
                    .inputs = checkpoint::to_string(step.inputs),
                    .seconds = 0,
                    .started = now(),
                    .message = {},
                    .from_cache = true});
      return;
    }
    const StepRecord before = folder_.record(step.name);
    const bool same = before.inputs == checkpoint::to_string(step.inputs);
    std::vector<std::string> command = step.command;
    if (!output.empty()) {
      // `cambium tune` keeps its checkpoints beside the output.
      const fs::path tuning = output.string() + ".tuning";
      if (step.kind == "tune" && same && fs::exists(tuning) && !fs::exists(output)) {
        command.emplace_back("--resume");
      } else {
        fs::remove_all(output);
        fs::remove_all(tuning);
      }
      fs::create_directories(output.parent_path());
    }
    for (const auto& [name, text] : step.files) write_text(options_.folder / name, text);
    write_text(place / "command", "cambium " + shell_line(command) + "\n");
    // Recorded before it runs, so that a killed one is told from one of other inputs.
    folder_.write_record(step.name, {.state = StepState::kMissing,
                                     .inputs = checkpoint::to_string(step.inputs),
                                     .seconds = 0,
                                     .started = now(),
                                     .message = {},
                                     .from_cache = false});
    Running running{.step = &step, .child = nullptr, .lock = std::move(lock), .began = Clock::now(), .started = now()};
    running.child = std::make_unique<ChildProcess>(options_.program, command, options_.folder,
                                                   fs::absolute(place / "stdout"), fs::absolute(place / "stderr"));
    running_.push_back(std::move(running));
  }

  void collect() {
    for (std::size_t i = 0; i < running_.size();) {
      Running& each = running_[i];
      if (!each.child->finished()) {
        ++i;
        continue;
      }
      const ChildResult outcome = each.child->result();
      StepRecord record{.state = StepState::kDone,
                        .inputs = checkpoint::to_string(each.step->inputs),
                        .seconds = std::chrono::duration<double>(Clock::now() - each.began).count(),
                        .started = each.started,
                        .message = {},
                        .from_cache = false};
      if (outcome.exit_code != 0) {
        record.state = StepState::kFailed;
        record.message = fmt::format("exit code {}{}{}", outcome.exit_code, outcome.last_words.empty() ? "" : ": ",
                                     outcome.last_words);
      } else if (!each.step->output.empty() && !fs::exists(options_.folder / each.step->output)) {
        record.state = StepState::kFailed;
        record.message = fmt::format("it ended well, but {} is not there", each.step->output);
      } else {
        keep_in_cache(*each.step);
      }
      // One that was asked to stop is neither done nor failed.
      if (asked_ && record.state == StepState::kFailed) {
        record.state = StepState::kMissing;
        record.message = "stopped";
      }
      finish(*each.step, record);
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  void finish(const Step& step, const StepRecord& record) {
    folder_.write_record(step.name, record);
    if (record.state == StepState::kDone) {
      done_.insert(step.name);
      ++(record.from_cache ? result_.reused : result_.ran);
    } else {
      lost_.insert(step.name);
      ++result_.failed;
    }
    progress_.advance(1);
  }
  void keep_in_cache(const Step& step) const {
    const fs::path cached = cached_place(step);
    if (cached.empty() || step.output.empty()) return;
    const fs::path output = options_.folder / step.output;
    // Copied beside and renamed: another study may be doing the same.
    const fs::path beside = options_.cache / fmt::format(".{}.{}", checkpoint::to_string(step.inputs), ::getpid());
    std::error_code error;
    fs::create_directories(options_.cache, error);
    fs::copy(output, beside, fs::copy_options::recursive, error);
    if (!error) fs::rename(beside, cached, error);
    // No room, or another was first: the study has its own.
    if (error) fs::remove_all(beside, error);
  }

  const StepGraph& graph_;
  const StudyOptions& options_;
  Progress& progress_;
  StudyFolder folder_;
  std::set<std::string> wanted_, done_, lost_;
  std::vector<const Step*> waiting_;
  std::vector<Running> running_;
  StudyRun result_;
  bool asked_ = false;
  Clock::time_point asked_at_;
};

}  // namespace

std::vector<PlannedStep> plan(const StepGraph& graph, const StudyFolder& folder, const fs::path& cache) {
  const StepTimes times(graph, folder);
  std::vector<PlannedStep> steps;
  for (const Step& step : graph.steps) {
    const StepRecord known = folder.record(step.name);
    PlannedStep planned{.step = &step,
                        .state = folder.state(step),
                        .seconds = known.seconds,
                        .message = known.message,
                        .in_cache = false};
    if (planned.state != StepState::kDone) {
      planned.in_cache = step.cached && !cache.empty() && fs::exists(cache / checkpoint::to_string(step.inputs));
      planned.seconds = planned.in_cache ? 0 : times.seconds(step);
    }
    steps.push_back(std::move(planned));
  }
  return steps;
}

double seconds_left(const std::vector<PlannedStep>& steps, unsigned jobs) {
  double all = 0, longest = 0;
  std::map<std::string, double> ends;
  for (const PlannedStep& each : steps) {
    double begin = 0;
    for (const std::string& need : each.step->needs) begin = std::max(begin, ends[need]);
    const double seconds = each.state == StepState::kDone ? 0 : each.seconds;
    ends[each.step->name] = begin + seconds;
    longest = std::max(longest, begin + seconds);
    all += seconds;
  }
  return std::max(longest, all / std::max(1U, jobs));
}

StudyRun run_steps(const StepGraph& graph, const StudyOptions& options, Progress& progress) {
  return StepRunner(graph, options, progress).run();
}

fs::path default_cache() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0')
    return fs::path(cache) / "cambium/studies";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return fs::path(home) / ".cache/cambium/studies";
  return {};
}

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    const bool plain = !word.empty() && word.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                            "_-+=:,./@%") == std::string::npos;
    std::string quoted;
    for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
    line += (line.empty() ? "" : " ") + (plain ? word : "'" + quoted + "'");
  }
  return line;
}

}  // namespace cambium::study
