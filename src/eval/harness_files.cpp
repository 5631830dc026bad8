#include "eval/harness_files.h"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <span>

#include "checkpoint/open_file.h"
#include "eval/harness_results.h"
#include "eval/json_text.h"
#include "tensor/error.h"

namespace cambium::eval {

namespace {

namespace fs = std::filesystem;

// "2026-11-22T06-36-01.123456", local time.
std::string time_name() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  const std::time_t seconds = micros / 1'000'000;
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H-%M-%S", &parts);
  return fmt::format("{}.{:06}", text, micros % 1'000'000);
}

void write_whole(const fs::path& file, std::span<const std::string> pieces) {
  const fs::path aside = file.string() + ".tmp";
  std::ofstream out(aside, std::ios::binary);
  errno = 0;
  for (const std::string& piece : pieces) out << piece;
  out.close();
  const int reason = errno;
  if (!out) {
    std::error_code ignored;
    fs::remove(aside, ignored);
    throw checkpoint::system_error("write", file, reason == 0 ? EIO : reason);
  }
  fs::rename(aside, file);
}

}  // namespace

std::vector<std::string> write_harness_files(const std::string& output_path, const text::jinja::Value& results,
                                             const Evaluation& evaluation, bool log_samples) {
  const fs::path path = output_path;
  const bool named = path.extension() == ".json";
  const fs::path folder =
      named ? path.parent_path() : path / results.as_dict().find("model_name_sanitized")->as_string();
  if (!folder.empty()) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) throw checkpoint::system_error("make the folder", folder, error.value());
  }
  const std::string time = time_name();
  std::vector<std::string> files;
  const auto write = [&](const fs::path& file, std::span<const std::string> pieces) {
    write_whole(file, pieces);
    files.push_back(file.string());
  };
  const std::string stem = named ? path.stem().string() : "results";
  const std::string content = indented_json_text(results);
  write(folder / fmt::format("{}_{}.json", stem, time), {&content, 1});
  if (!log_samples) return files;
  for (const TaskOutcome& outcome : evaluation.tasks) {
    if (!outcome.error.empty()) continue;
    std::vector<std::string> rows = harness_samples(outcome);
    for (std::string& row : rows) row += '\n';
    write(folder / fmt::format("samples_{}_{}.jsonl", outcome.task->name(), time), rows);
  }
  return files;
}

}  // namespace cambium::eval
