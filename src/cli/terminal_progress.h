#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <mutex>
#include <string>
#include <string_view>

#include "tensor/progress.h"

namespace cambium::cli {

/// Text of the progress line: "merge  3.2 GiB of 7.4 GiB (43 %)  812.0 MiB/s  5 s left".
/// @param seconds  since the phase began
[[nodiscard]] std::string progress_line(std::string_view phase, std::uint64_t done, std::uint64_t total,
                                        std::string_view unit, double seconds);

/// Shows long work on a terminal: one line on stderr with rate and time left, rewritten about ten times a second and
/// wiped when the phase or the program ends. Writes nothing when stderr is no terminal.
///
/// While one lives, Ctrl-C (SIGINT) and SIGTERM set what stop_requested() returns; the second signal of a kind ends the
/// program as usual.
class TerminalProgress final : public Progress {
 public:
  TerminalProgress();
  /// @param out  where the line goes; null: nowhere
  explicit TerminalProgress(std::ostream* out);
  ~TerminalProgress() override;
  TerminalProgress(const TerminalProgress&) = delete;
  TerminalProgress& operator=(const TerminalProgress&) = delete;

  void begin(std::string_view phase, std::uint64_t total, std::string_view unit) override;
  void advance(std::uint64_t more) override;
  [[nodiscard]] bool stop_requested() const override;

 private:
  using Clock = std::chrono::steady_clock;
  void wipe();

  std::ostream* out_;
  std::mutex mutex_;
  std::string phase_;
  std::string unit_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
  Clock::time_point start_;
  Clock::time_point shown_;
  std::size_t width_ = 0;  ///< of the line that stands there
};

}  // namespace cambium::cli
