#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "eval/heads_scoring.h"
#include "eval/media_prompts.h"
#include "tasks/task_index.h"
#include "text/tokenizer.h"

namespace cambium::eval {

/// Context and continuation of a request with pictures, clips or sounds.
using MediaSplitter = std::function<MediaPrompts::Split(const tasks::Request& request)>;

/// A task's questions with options, as tokens, and which options are right.
struct TaskQuestions {
  std::string task;
  std::vector<std::size_t> documents;     ///< numbers
  std::vector<MaskedQuestion> questions;  ///< one a document
  std::vector<std::vector<bool>> right;   ///< by question and option
};

/// @param max_length  tokens that the model reads
/// @throws RecipeError  a task whose requests are no options (a generation, say), or has no metric `acc`
/// @throws ValueError   an option without tokens
[[nodiscard]] TaskQuestions task_questions(const tasks::Task& task, const tasks::PromptOptions& options,
                                           const text::Tokenizer& tokenizer, std::size_t max_length,
                                           const MediaSplitter& media);

}  // namespace cambium::eval
