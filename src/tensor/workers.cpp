#include "tensor/workers.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace cambium {

namespace {

// The set of threads, and the number in it, that runs the piece at hand on this thread: a piece that calls for_each of
// its own set again must not wait for itself.
thread_local const void* t_inside = nullptr;
thread_local unsigned t_worker = 0;

}  // namespace

unsigned default_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
  return std::max(1U, std::thread::hardware_concurrency());
}

struct Workers::State {
  using Piece = std::function<void(std::size_t, unsigned)>;

  unsigned threads = 1;
  std::vector<std::thread> others;  // workers 1 .. threads-1; the caller is worker 0
  std::mutex one_caller;

  std::mutex mutex;
  std::condition_variable started;
  std::condition_variable finished;
  std::uint64_t round = 0;
  unsigned running = 0;
  bool stop = false;

  const Piece* piece = nullptr;
  std::size_t count = 0;
  std::atomic<std::size_t> next = 0;
  std::exception_ptr failure;

  void work(unsigned worker) {
    const void* const outer = std::exchange(t_inside, this);
    const unsigned outer_worker = std::exchange(t_worker, worker);
    try {
      for (std::size_t index = next++; index < count; index = next++) (*piece)(index, worker);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
    t_inside = outer;
    t_worker = outer_worker;
  }

  void serve(unsigned worker) {
    std::uint64_t seen = 0;
    while (true) {
      {
        std::unique_lock lock(mutex);
        started.wait(lock, [&] { return stop || round != seen; });
        if (stop) return;
        seen = round;
      }
      work(worker);
      const std::lock_guard lock(mutex);
      if (--running == 0) finished.notify_one();
    }
  }

  void shut_down() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    started.notify_all();
    for (std::thread& thread : others) thread.join();
  }
};

Workers::Workers(unsigned threads) : state_(new State) {
  state_->threads = std::max(1U, threads);
  try {
    for (unsigned worker = 1; worker < state_->threads; ++worker) {
      state_->others.emplace_back([state = state_, worker] { state->serve(worker); });
    }
  } catch (...) {
    state_->shut_down();
    delete state_;
    throw;
  }
}

Workers::~Workers() {
  state_->shut_down();
  delete state_;
}

unsigned Workers::threads() const { return state_->threads; }

void Workers::for_each(std::size_t count, const std::function<void(std::size_t, unsigned)>& piece) {
  if (count == 0) return;
  if (t_inside == state_) {
    for (std::size_t index = 0; index < count; ++index) piece(index, t_worker);
    return;
  }
  const std::lock_guard one(state_->one_caller);
  State& state = *state_;
  const bool alone = count == 1 || state.threads == 1;
  {
    const std::lock_guard lock(state.mutex);
    state.piece = &piece;
    state.count = count;
    state.next = 0;
    state.failure = nullptr;
    if (!alone) {
      state.running = state.threads - 1;
      ++state.round;
    }
  }
  if (!alone) state.started.notify_all();
  state.work(0);
  std::unique_lock lock(state.mutex);
  state.finished.wait(lock, [&] { return state.running == 0; });
  state.piece = nullptr;
  if (state.failure) std::rethrow_exception(std::exchange(state.failure, nullptr));
}

}  // namespace cambium
