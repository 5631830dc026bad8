#include "merge/run_journal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <utility>

namespace cambium::merge {
namespace {

using checkpoint::ContentHash;
using checkpoint::Journal;
using checkpoint::OpenFile;

// Syncing costs a fixed time; a batch is a few seconds of writing on a slow disk.
constexpr std::uint64_t kBatchBytes = std::uint64_t{256} << 20;

std::string lines_name(std::size_t part, std::size_t parts) { return Journal::file_name(part, parts) + ".jsonl"; }

// "NUMBER HASH {json}": a line counts when the journal knows the number with the same hash, so that a torn one never
// does.
std::map<std::uint64_t, std::string> lines_of(std::string_view text, std::span<const Journal::Entry> entries,
                                              std::uint64_t& end) {
  std::map<std::uint64_t, std::string> known;
  for (const Journal::Entry& entry : entries) known[entry.piece] = to_string(entry.hash);
  std::map<std::uint64_t, std::string> lines;
  end = 0;
  while (true) {
    const auto stop = text.find('\n', end);
    if (stop == std::string_view::npos) break;
    const std::string_view line = text.substr(end, stop - end);
    end = stop + 1;
    std::uint64_t number = 0;
    const auto [at, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    const auto entry = error == std::errc{} ? known.find(number) : known.end();
    if (entry == known.end()) continue;
    const std::string_view rest = line.substr(static_cast<std::size_t>(at - line.data()));
    if (rest.size() < 34 || rest.substr(1, 32) != entry->second) continue;
    lines[number] = std::string(rest.substr(34));
  }
  return lines;
}

}  // namespace

RunJournal::RunJournal(checkpoint::CheckpointWriter& writer, const ContentHash& plan, std::size_t part,
                       std::size_t parts)
    : writer_(writer),
      journal_(writer.working_folder() / Journal::file_name(part, parts), plan),
      lines_(writer.working_folder() / lines_name(part, parts), OpenFile::Mode::kCreate) {
  std::string text(static_cast<std::size_t>(lines_.size()), '\0');
  text.resize(lines_.read_at(0, std::as_writable_bytes(std::span(text))));
  finished_ = lines_of(text, journal_.entries(), lines_end_);
  if (::ftruncate(lines_.descriptor(), static_cast<off_t>(lines_end_)) != 0) {
    throw checkpoint::system_error("cut", writer.working_folder() / lines_name(part, parts), errno);
  }
  thread_ = std::thread([this] { work(); });
}

RunJournal::~RunJournal() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void RunJournal::add(std::uint64_t tensor, const ContentHash& hash, std::string line, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (failed_) std::rethrow_exception(failed_);
  waiting_.entries.push_back({tensor, hash});
  waiting_.lines += fmt::format("{} {} {}\n", tensor, to_string(hash), line);
  waiting_.bytes += bytes;
  finished_[tensor] = std::move(line);
  if (waiting_.bytes >= kBatchBytes && !busy_) {
    in_hand_ = std::exchange(waiting_, {});
    busy_ = true;
    changed_.notify_all();
  }
}

void RunJournal::commit() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !busy_; });
  if (failed_) std::rethrow_exception(failed_);
  write(std::exchange(waiting_, {}));
}

void RunJournal::write(const Batch& batch) {
  if (batch.entries.empty()) return;
  writer_.sync();
  lines_.write_at(lines_end_, std::as_bytes(std::span(batch.lines)));
  lines_.sync();
  lines_end_ += batch.lines.size();
  journal_.append(batch.entries);
}

void RunJournal::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return busy_ || stop_; });
    if (!busy_) return;
    lock.unlock();
    std::exception_ptr failed;
    try {
      write(in_hand_);
    } catch (...) {
      failed = std::current_exception();
    }
    lock.lock();
    failed_ = failed;
    in_hand_ = {};
    busy_ = false;
    changed_.notify_all();
    if (stop_) return;
  }
}

std::map<std::uint64_t, std::string> RunJournal::read(const std::filesystem::path& folder, const ContentHash& plan,
                                                      std::size_t part, std::size_t parts) {
  const auto entries = Journal::read(folder / Journal::file_name(part, parts), plan);
  const std::filesystem::path lines = folder / lines_name(part, parts);
  if (!entries || !std::filesystem::exists(lines)) return {};
  std::uint64_t end = 0;
  return lines_of(checkpoint::read_file(lines), *entries, end);
}

}  // namespace cambium::merge
