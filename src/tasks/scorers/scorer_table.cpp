#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "tasks/scorers/scorer.h"
#include "tensor/error.h"
#include "text/jinja_nearest.h"

namespace cambium::tasks {
namespace {

constexpr Scorer kScorers[] = {
    {"ifeval", "IFEval's 25 verifiable instructions, strict and loose", score_ifeval},
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
