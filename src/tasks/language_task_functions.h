#pragma once

#include <span>

#include "tasks/builtin_functions.h"

namespace cambium::tasks {

/// Functions beside lm-evaluation-harness's files of well-known language tasks: COPA, RACE, LogiQA, MathQA, MedQA,
/// PubMedQA, WikiText, arithmetic, CommitmentBank.
[[nodiscard]] std::span<const BuiltinFunction> language_task_functions();

}  // namespace cambium::tasks
