#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace cambium::model {

/// Threads that run one function together, phase by phase. Made for steps of a few hundred microseconds with hundreds
/// of phases: waiting threads spin first (about 50 us) and sleep after that.
class ThreadTeam {
 public:
  /// @param threads  >= 1, the caller of run() included
  explicit ThreadTeam(unsigned threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  [[nodiscard]] unsigned threads() const;

  /// What one thread sees of the team while run() lasts.
  class Member {
   public:
    [[nodiscard]] unsigned index() const { return index_; }
    [[nodiscard]] unsigned threads() const;
    /// Waits for all members. What any of them wrote before is seen by all after.
    void barrier();
    /// Shares out pieces 0 .. count-1 among the members; calls piece(i) on this thread for each that it gets. Which
    /// thread gets which piece varies. All members must call this with the same count, and barrier() before the next
    /// share().
    template <typename Piece>
    void share(std::size_t count, const Piece& piece) {
      for (std::size_t i = next(); i < count; i = next()) piece(i);
    }

   private:
    friend class ThreadTeam;
    Member(ThreadTeam& team, unsigned index) : team_(team), index_(index) {}
    [[nodiscard]] std::size_t next();
    ThreadTeam& team_;
    unsigned index_;
  };

  /// Calls work(member) on every thread and returns when all are done. `work` must not throw (its members would wait
  /// for each other for ever). One caller at a time.
  void run(const std::function<void(Member&)>& work);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cambium::model
