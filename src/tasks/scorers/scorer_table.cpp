#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "tasks/scorers/scorer.h"
#include "tensor/error.h"
#include "text/jinja_nearest.h"

namespace cambium::tasks {
namespace {

constexpr Scorer kScorers[] = {
    {"choice", "the chosen option of a multiple-choice question", score_choice},
    {"gsm8k", "GSM8K: the number behind ####, and the last number", score_gsm8k},
    {"ifeval", "IFEval's 25 verifiable instructions, strict and loose", score_ifeval},
    {"match", "short answers: equal to, or containing, one of the right ones", score_match},
    {"number", "the stated or last number, within --tolerance", score_number},
    {"spoken_digit", "a digit in words or figures", score_spoken_digit},
    {"vqa", "consensus of VQA's annotators, with its normalisation of texts", score_vqa},
    {"yes_no", "yes or no", score_yes_no},
};

}  // namespace

std::span<const Scorer> scorers() { return kScorers; }

const Scorer& find_scorer(std::string_view name) {
  const auto found = std::ranges::find(kScorers, name, &Scorer::name);
  if (found != std::end(kScorers)) return *found;
  std::vector<std::string_view> known;
  for (const Scorer& scorer : kScorers) known.push_back(scorer.name);
  throw UsageError(fmt::format("there is no scorer '{}'.{} The scorers are: {}", name,
                               text::jinja::nearest_names(name, known), fmt::join(known, ", ")));
}

}  // namespace cambium::tasks
