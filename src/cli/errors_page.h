#pragma once

#include <cstddef>
#include <string>

#include "tasks/comparison/flipped_answers.h"

namespace cambium::cli {

/// The page of `errors --html`: kinds of wrong answers and the flipped samples side by side. Self-contained.
/// @param most  flipped samples shown of each task and direction
[[nodiscard]] std::string errors_page(const tasks::FlippedAnswers& flipped, std::size_t most);

}  // namespace cambium::cli
