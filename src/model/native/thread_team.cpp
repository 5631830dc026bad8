#include "model/native/thread_team.h"

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cambium::model {

namespace {

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// About 50 us of pauses on today's CPUs; yields after a third of them let another thread on the same core go on.
constexpr int kSpins = 1000;

// Waits until `value` is no longer `old`.
template <typename T>
void wait_while(const std::atomic<T>& value, T old) {
  for (int spin = 0; spin < kSpins; ++spin) {
    if (value.load(std::memory_order_acquire) != old) return;
    if (spin > kSpins / 3 && spin % 16 == 0) std::this_thread::yield();
    relax();
  }
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

// Wakes who waits for `value`, which was changed before. libstdc++ looks whether anybody waits with a load that the
// processor may take before the change is seen: without the fence a thread that falls asleep just then is never woken.
template <typename T>
void wake_all(std::atomic<T>& value) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  value.notify_all();
}

}  // namespace

struct ThreadTeam::State {
  unsigned threads = 1;
  std::vector<std::thread> others;
  const std::function<void(Member&)>* work = nullptr;

  alignas(64) std::atomic<std::uint32_t> round = 0;  // rises when run() hands out work
  alignas(64) std::atomic<std::uint32_t> arrived = 0;
  alignas(64) std::atomic<std::uint32_t> phase = 0;  // rises when all have arrived at a barrier
  alignas(64) std::atomic<std::size_t> next = 0;     // next piece of share()
  std::atomic<bool> stop = false;

  void barrier() {
    if (threads == 1) {
      next.store(0, std::memory_order_relaxed);
      return;
    }
    const std::uint32_t before = phase.load(std::memory_order_relaxed);
    if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
      arrived.store(0, std::memory_order_relaxed);
      next.store(0, std::memory_order_relaxed);
      phase.store(before + 1, std::memory_order_release);
      wake_all(phase);
    } else {
      wait_while(phase, before);
    }
  }
};

unsigned ThreadTeam::Member::threads() const { return team_.state_->threads; }
void ThreadTeam::Member::barrier() { team_.state_->barrier(); }
std::size_t ThreadTeam::Member::next() { return team_.state_->next.fetch_add(1, std::memory_order_relaxed); }

ThreadTeam::ThreadTeam(unsigned threads) : state_(std::make_unique<State>()) {
  state_->threads = threads < 1 ? 1 : threads;
  for (unsigned index = 1; index < state_->threads; ++index) {
    state_->others.emplace_back([this, index] {
      State& state = *state_;
      std::uint32_t seen = 0;
      while (true) {
        wait_while(state.round, seen);
        seen = state.round.load(std::memory_order_acquire);
        if (state.stop.load(std::memory_order_acquire)) return;
        Member member(*this, index);
        (*state.work)(member);
        state.barrier();
      }
    });
  }
}

ThreadTeam::~ThreadTeam() {
  state_->stop.store(true, std::memory_order_release);
  state_->round.fetch_add(1, std::memory_order_acq_rel);
  wake_all(state_->round);
  for (std::thread& thread : state_->others) thread.join();
}

unsigned ThreadTeam::threads() const { return state_->threads; }

void ThreadTeam::run(const std::function<void(Member&)>& work) {
  state_->work = &work;
  state_->next.store(0, std::memory_order_relaxed);
  state_->round.fetch_add(1, std::memory_order_acq_rel);
  wake_all(state_->round);
  Member member(*this, 0);
  work(member);
  state_->barrier();
}

}  // namespace cambium::model
