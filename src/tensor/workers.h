#pragma once

#include <cstddef>
#include <functional>

namespace cambium {

/// Number of threads to use when the user names none: the CPUs this process may run on.
[[nodiscard]] unsigned default_threads();

/// A fixed set of threads that shares out numbered pieces of work.
class Workers {
 public:
  /// @param threads  >= 1; with 1 everything runs on the calling thread
  explicit Workers(unsigned threads = default_threads());
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  [[nodiscard]] unsigned threads() const;

  /// Calls piece(index, worker) for index 0..count-1, each once, in rising order of start; worker < threads() names the
  /// thread's scratch space. Returns when all are done. The first exception stops the hand-out of further pieces and is
  /// rethrown here. Results must not depend on which thread ran a piece: give each piece its own place to write.
  void for_each(std::size_t count, const std::function<void(std::size_t index, unsigned worker)>& piece);

 private:
  struct State;
  State* state_;
};

}  // namespace cambium
