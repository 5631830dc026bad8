#include "study/study_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/json.h"
#include "checkpoint/json_reading.h"
#include "tensor/error.h"

namespace cambium::study {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::pair<StepState, std::string_view>, 5> kStates{{{StepState::kMissing, "missing"},
                                                                         {StepState::kChanged, "changed"},
                                                                         {StepState::kDone, "done"},
                                                                         {StepState::kFailed, "failed"},
                                                                         {StepState::kBlocked, "blocked"}}};

}  // namespace

std::string_view state_name(StepState state) {
  for (const auto& [each, name] : kStates) {
    if (each == state) return name;
  }
  return "missing";
}

std::string step_folder(const std::string& name) {
  std::string folder = "steps/";
  for (const char c : name) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                      c == '_' || c == '.' || c == '=' || c == ',' || c == '[' || c == ']';
    folder += kept ? c : '+';
  }
  return folder;
}

fs::path StudyFolder::step_path(const std::string& step) const { return folder_ / step_folder(step); }

StepRecord StudyFolder::record(const std::string& step) const {
  const fs::path file = step_path(step) / "state.json";
  StepRecord record;
  if (!fs::exists(file)) return record;
  const checkpoint::Json json = checkpoint::read_json(file);
  checkpoint::reading_json(file.string(), [&] {
    const std::string state = json.value("state", "missing");
    for (const auto& [each, name] : kStates) {
      if (name == state) record.state = each;
    }
    record.inputs = json.value("inputs", "");
    record.seconds = json.value("seconds", 0.0);
    record.started = json.value("started", "");
    record.message = json.value("message", "");
    record.from_cache = json.value("from_cache", false);
  });
  return record;
}

void StudyFolder::write_record(const std::string& step, const StepRecord& record) const {
  fs::create_directories(step_path(step));
  const checkpoint::Json json{{"step", step},
                              {"state", state_name(record.state)},
                              {"inputs", record.inputs},
                              {"seconds", record.seconds},
                              {"started", record.started},
                              {"message", record.message},
                              {"from_cache", record.from_cache}};
  checkpoint::write_file_atomically(step_path(step) / "state.json", json.dump(2) + "\n");
}

StepState StudyFolder::state(const Step& step) const {
  const StepRecord known = record(step.name);
  if (known.state == StepState::kMissing) return StepState::kMissing;
  if (known.inputs != checkpoint::to_string(step.inputs)) return StepState::kChanged;
  if (known.state == StepState::kDone && !step.output.empty() && !fs::exists(folder_ / step.output))
    return StepState::kMissing;
  return known.state;
}

FileLock::FileLock(const fs::path& file, bool shared, const std::string& what)
    : descriptor_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) throw SystemError(fmt::format("cannot open {}: {}", file.string(), std::strerror(errno)));
  if (::flock(descriptor_, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    const int error = errno;
    ::close(descriptor_);
    if (error == EWOULDBLOCK)
      throw UsageError(fmt::format("{} is in use by another run; wait for it or stop it", what));
    throw SystemError(fmt::format("cannot lock {}: {}", file.string(), std::strerror(error)));
  }
}

FileLock::~FileLock() { ::close(descriptor_); }

}  // namespace cambium::study
