#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/python_random.h"
#include "text/jinja_value.h"

namespace cambium::tasks {

[[nodiscard]] bool is_known_sampler(std::string_view name);
/// "default, first_n"
[[nodiscard]] std::string known_samplers();

/// Chooses the examples in front of a question, as lm-evaluation-harness does: "default" draws them with Python's
/// random.Random(seed), going on where the question before stopped; "first_n" takes the first ones.
class FewShotSampler {
 public:
  /// @param pool  the documents to choose from; @param task for messages
  FewShotSampler(std::string_view name, std::vector<text::jinja::Value> pool, std::uint64_t seed, std::string task);

  /// @param asked  the question itself if it may stand among the examples (it is left out), else null
  /// @throws RecipeError  fewer documents than asked for
  [[nodiscard]] std::vector<text::jinja::Value> sample(std::size_t count, const text::jinja::Value* asked);

 private:
  [[nodiscard]] std::vector<text::jinja::Value> draw(std::size_t count, const text::jinja::Value* asked);
  [[nodiscard]] std::vector<text::jinja::Value> take(const std::vector<text::jinja::Value>& from, std::size_t count);
  [[noreturn]] void fail_too_few(std::size_t count, std::size_t available) const;
  bool first_n_;
  std::vector<text::jinja::Value> pool_;
  PythonRandom random_;
  std::string task_;
};

}  // namespace cambium::tasks
