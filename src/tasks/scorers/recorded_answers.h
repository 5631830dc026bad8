#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "text/jinja_value.h"

namespace cambium::tasks {

/// An answer that some model gave, with the row of the data that it answers.
struct RecordedAnswer {
  text::jinja::Value document;
  text::jinja::Value row;  ///< of the file of answers, whole
  std::string response;
  std::string id_name;  ///< "key", "id" ...; "index" where rows are matched by their order
  text::jinja::Value id;
  std::string where;  ///< "FILE:LINE" of the answer (of a list: its entry), for messages
};

struct RecordedAnswersOptions {
  std::filesystem::path
      responses{};  ///< JSON lines or a JSON list, gzip or not; also lm-evaluation-harness's samples_*.jsonl
  std::filesystem::path data{};  ///< the same; may be empty where each row of `responses` carries its `doc`
  std::string response_field{};  ///< empty: response, prediction, output, answer or generated_text, or lm-eval's resps
  std::string id_field{};  ///< empty: the first of key, id, question_id, qid, doc_id ... that all rows of both have
  bool partial = false;    ///< rows of the data may lack an answer
};

/// Reads and matches the rows of two files: by a field that both have, else by their order.
/// @return  in the order of the answers
/// @throws RecipeError  malformed JSON, a row without the field (with file, line and field), two rows of one id, an
///                      answer without data, or data without answer unless `partial`; SystemError a file that cannot
///                      be read
[[nodiscard]] std::vector<RecordedAnswer> read_recorded_answers(const RecordedAnswersOptions& options);

}  // namespace cambium::tasks
