#pragma once

#include <cstddef>

namespace cambium::text::jinja {

/// What one rendering may cost; the defaults fit any honest template, and a hostile one ends within a second or two.
struct Limits {
  std::size_t max_work = 20'000'000;         ///< evaluated nodes, visited items, 64-byte pieces of made text
  std::size_t max_nesting = 1'200;           ///< calls, expressions and containers inside each other
  std::size_t max_text_bytes = 64UL << 20U;  ///< the output, or any one string
};

/// Counts the work of one rendering. Not shared between threads.
class Budget {
 public:
  explicit Budget(const Limits& limits) : limits_(limits), work_left_(limits.max_work) {}
  /// @throws TemplateError (kLimit)
  void spend(std::size_t work) {
    if (work > work_left_) fail_work();
    work_left_ -= work;
  }
  /// Call before making a text of this size. @throws TemplateError (kLimit)
  void spend_text(std::size_t bytes) {
    if (bytes > limits_.max_text_bytes) fail_text();
    spend(1 + bytes / 64);
  }
  [[nodiscard]] const Limits& limits() const { return limits_; }

  /// One level deeper as long as it lives. @throws TemplateError (kLimit)
  class Level {
   public:
    explicit Level(Budget& budget) : budget_(budget) {
      if (budget_.nesting_ >= budget_.limits_.max_nesting) budget_.fail_nesting();
      ++budget_.nesting_;
    }
    ~Level() { --budget_.nesting_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Budget& budget_;
  };

 private:
  [[noreturn]] void fail_work() const;
  [[noreturn]] void fail_text() const;
  [[noreturn]] void fail_nesting() const;
  Limits limits_;
  std::size_t work_left_;
  std::size_t nesting_ = 0;
};

}  // namespace cambium::text::jinja
