#pragma once

#include <cstdint>
#include <string_view>

namespace cambium {

/// Where long work tells how far it is. The library never prints; cli/ shows a line with rate and time left on a
/// terminal. Calls may come from any thread; implementations are cheap and thread-safe.
class Progress {
 public:
  virtual ~Progress() = default;
  /// A new phase of `total` units (bytes, samples, steps ...) begins.
  virtual void begin(std::string_view phase, std::uint64_t total, std::string_view unit) = 0;
  /// `more` units are done since the last call.
  virtual void advance(std::uint64_t more) = 0;
  /// True once the user asked to stop: finish the piece in hand, leave a resumable state, throw Interrupted.
  [[nodiscard]] virtual bool stop_requested() const = 0;
};

/// Ignores everything; for tests and callers without a terminal.
class NoProgress final : public Progress {
 public:
  void begin(std::string_view, std::uint64_t, std::string_view) override {}
  void advance(std::uint64_t) override {}
  [[nodiscard]] bool stop_requested() const override { return false; }
};

}  // namespace cambium
