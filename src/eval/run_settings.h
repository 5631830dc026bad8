#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "text/jinja_value.h"

namespace cambium::eval {

/// Random seeds in lm-evaluation-harness's order; only the last two decide anything here.
struct Seeds {
  std::int64_t python = 0;
  std::int64_t numpy = 1234;
  std::int64_t torch = 1234;    ///< of sampled generations
  std::int64_t fewshot = 1234;  ///< of the choice of examples
};

/// Reads --seed: one number for all, or 3 or 4 separated by commas. @throws UsageError
[[nodiscard]] Seeds parse_seeds(const std::string& text);

/// Reads --gen_kwargs: a JSON object, or `key=value` pairs separated by commas (outside of brackets and quotes) where a
/// value is a Python literal, true/false/none, or else a text.
/// @return a dict; None if there is nothing @throws UsageError
[[nodiscard]] text::jinja::Value parse_generation_arguments(const std::vector<std::string>& texts);

/// Reads --samples: a JSON object {task: [numbers]}, or the name of a file that holds one. @throws UsageError
[[nodiscard]] std::map<std::string, std::vector<std::size_t>> parse_samples(const std::string& text);

}  // namespace cambium::eval
