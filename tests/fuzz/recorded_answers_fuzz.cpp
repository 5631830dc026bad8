// Recorded answers and their questions, parted by a zero byte, for every scorer (IFEval's kwargs come with the
// questions); and the answers as lm-evaluation-harness's samples.
#include <cstdint>

#include "support/fuzz_folder.h"
#include "tasks/comparison/harness_folder.h"
#include "tasks/scorers/recorded_answers.h"
#include "tasks/scorers/scorer.h"
#include "tensor/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  static const testing_support::FuzzFolder folder;
  const auto [answers, questions, results] = testing_support::fuzz_parts<3>(data, size);
  const auto responses = folder.put("samples_a_1.jsonl", answers);
  const auto rows = folder.put("rows.jsonl", questions);
  folder.put("results_1.json", results);
  try {
    tasks::RecordedAnswersOptions options{.responses = responses, .partial = true};
    if (!questions.empty()) options.data = rows;
    for (const tasks::RecordedAnswer& answer : tasks::read_recorded_answers(options)) {
      for (const tasks::Scorer& scorer : tasks::scorers()) {
        try {
          (void)scorer.score(answer.document, answer.response, {});
        } catch (const Error&) {
        }
      }
    }
  } catch (const Error&) {
  }
  try {
    (void)tasks::read_harness_folder(folder.path());
  } catch (const Error&) {
  }
  return 0;
}
