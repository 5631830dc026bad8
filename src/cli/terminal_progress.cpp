#include "cli/terminal_progress.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <iostream>

#include "cli/text_table.h"

namespace cambium::cli {

namespace {

std::atomic<bool> g_stop = false;
static_assert(std::atomic<bool>::is_always_lock_free, "set in a signal handler");

// Handlers are taken away again when the last TerminalProgress goes.
std::atomic<int> g_users = 0;

void catch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { g_stop = true; };
  // Reads and writes go on; a second signal finds the default handler, which ends the program.
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void release_stop_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

// Columns of the terminal; a longer line would wrap, and the next one not replace it.
std::size_t terminal_columns() {
  struct winsize size {};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : 79U;
}

std::string amount(double value, std::string_view unit) {
  const auto whole = static_cast<std::uint64_t>(value);
  return unit == "bytes" ? human_bytes(whole)
         : value < 100   ? fmt::format("{:.3g} {}", value, unit)
                         : fmt::format("{} {}", whole, unit);
}

}  // namespace

std::string progress_line(std::string_view phase, std::uint64_t done, std::uint64_t total, std::string_view unit,
                          double seconds) {
  std::string line = fmt::format("{}  {}", phase, amount(static_cast<double>(done), unit));
  if (total > 0) {
    const double share = static_cast<double>(done) / static_cast<double>(total);
    line += fmt::format(" of {} ({} %)", amount(static_cast<double>(total), unit),
                        static_cast<int>(std::min(share, 1.0) * 100));
  }
  if (seconds < 0.5 || done == 0) return line;  // a rate would be a guess
  const double rate = static_cast<double>(done) / seconds;
  line += fmt::format("  {}/s", amount(rate, unit));
  if (total > done) line += fmt::format("  {} left", human_seconds(static_cast<double>(total - done) / rate));
  return line;
}

TerminalProgress::TerminalProgress() : TerminalProgress(::isatty(STDERR_FILENO) == 1 ? &std::cerr : nullptr) {}

TerminalProgress::TerminalProgress(std::ostream* out) : out_(out) {
  if (g_users++ == 0) {
    g_stop = false;
    catch_stop_signals();
  }
}

TerminalProgress::~TerminalProgress() {
  if (--g_users == 0) release_stop_signals();
  wipe();
}

void TerminalProgress::begin(std::string_view phase, std::uint64_t total, std::string_view unit) {
  const std::lock_guard lock(mutex_);
  wipe();
  phase_ = phase;
  unit_ = unit;
  total_ = total;
  done_ = 0;
  start_ = shown_ = Clock::now();
}

void TerminalProgress::advance(std::uint64_t more) {
  const std::lock_guard lock(mutex_);
  done_ += more;
  if (out_ == nullptr) return;
  const Clock::time_point now = Clock::now();
  if (now - shown_ < std::chrono::milliseconds(100)) return;
  shown_ = now;
  std::string line = progress_line(phase_, done_, total_, unit_, std::chrono::duration<double>(now - start_).count());
  if (const std::size_t columns = terminal_columns(); line.size() > columns) line.resize(columns);
  const std::size_t width = line.size();
  if (width < width_) line.append(width_ - width, ' ');
  width_ = width;
  *out_ << '\r' << line << std::flush;
}

bool TerminalProgress::stop_requested() const { return g_stop; }

void TerminalProgress::wipe() {
  if (out_ == nullptr || width_ == 0) return;
  *out_ << '\r' << std::string(width_, ' ') << '\r' << std::flush;
  width_ = 0;
}

}  // namespace cambium::cli
