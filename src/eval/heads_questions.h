#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "eval/heads_scoring.h"
#include "tasks/task_index.h"
#include "text/tokenizer.h"

namespace cambium::eval {

/// Makes a prompt of a text with pictures, clips or sounds. @param add_special  as Tokenizer::ids
using MediaPromptMaker = std::function<model::Prompt(const std::string& text, const tasks::Media& media)>;

/// A task's questions with options, as tokens, and which options are right.
struct TaskQuestions {
  std::string task;
  std::vector<std::size_t> documents;     ///< numbers
  std::vector<MaskedQuestion> questions;  ///< one a document
  std::vector<std::vector<bool>> right;   ///< by question and option
};

/// @param max_length  tokens that the model reads
/// @throws RecipeError  a task whose requests are no options (a generation, say), or has no metric `acc`; ValueError:
/// an
///                      option without tokens
[[nodiscard]] TaskQuestions task_questions(const tasks::Task& task, const tasks::PromptOptions& options,
                                           const text::Tokenizer& tokenizer, std::size_t max_length,
                                           const MediaPromptMaker& media);

}  // namespace cambium::eval
