// Judges any response by every instruction of IFEval and scores it with every other scorer; also looks for the kind of
// a wrong answer.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tasks/answer_kind.h"
#include "tasks/ifeval/verdict.h"
#include "tasks/scorers/scorer.h"
#include "tensor/error.h"
#include "text/jinja_json.h"

namespace tasks = cambium::tasks;
using cambium::text::jinja::Value;

namespace {

const Value& document() {
  static const Value kDocument = cambium::text::jinja::from_json(
      R"({"key": 1, "prompt": "p", "question": "How many clips?", "answer": "B", "choices": ["red", "blue", "12"],
          "answers": ["red", "blue"], "digit": 3,
          "instruction_id_list": ["keywords:existence", "keywords:frequency", "keywords:forbidden_words",
            "keywords:letter_frequency", "language:response_language", "length_constraints:number_sentences",
            "length_constraints:number_paragraphs", "length_constraints:number_words",
            "length_constraints:nth_paragraph_first_word", "detectable_content:number_placeholders",
            "detectable_content:postscript", "detectable_format:number_bullet_lists",
            "detectable_format:constrained_response", "detectable_format:number_highlighted_sections",
            "detectable_format:multiple_sections", "detectable_format:json_format", "detectable_format:title",
            "combination:two_responses", "combination:repeat_prompt", "startend:end_checker", "startend:quotation",
            "change_case:capital_word_frequency", "change_case:english_capital", "change_case:english_lowercase",
            "punctuation:no_comma"],
          "kwargs": [{"keywords": ["a", "b+"]}, {"keyword": "e", "frequency": 2, "relation": "at least"},
            {"forbidden_words": ["x"]}, {"letter": "e", "let_frequency": 2, "let_relation": "less than"},
            {"language": "en"}, {"num_sentences": 2, "relation": "at least"}, {"num_paragraphs": 2},
            {"num_words": 5, "relation": "less than"},
            {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "a"}, {"num_placeholders": 1},
            {"postscript_marker": "P.P.S"}, {"num_bullets": 1}, {}, {"num_highlights": 1},
            {"section_spliter": "Day", "num_sections": 1}, {}, {}, {}, {"prompt_to_repeat": "p"},
            {"end_phrase": "end"}, {}, {"capital_frequency": 1, "capital_relation": "at least"}, {}, {}, {}]})",
      "document");
  return kDocument;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string response(reinterpret_cast<const char*>(data), size);
  for (const tasks::Scorer& scorer : tasks::scorers()) {
    try {
      static_cast<void>(scorer.score(document(), response, {}));
    } catch (const cambium::Error&) {
      // A gold answer of another scorer's kind, or a pattern that takes too long.
    }
  }
  const std::string_view text(response);
  try {
    static_cast<void>(tasks::answer_kind({text.substr(0, size / 2), "12", text, text.substr(size / 2), ""}));
  } catch (const cambium::Error&) {
  }
  return 0;
}
