#include "study/study_abstract.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "report/markup.h"
#include "study/seed_estimate.h"

namespace cambium::study {
namespace {

using report::ContrastResult;
using report::signed_text;

std::string group_title(const StudyFile& study, const ContrastResult& contrast) {
  for (const Contrast& each : study.contrasts) {
    if (each.name == contrast.plot.name && !each.tasks.empty()) return fmt::format("{}", fmt::join(each.tasks, ", "));
  }
  return study.group(contrast.group).title;
}

std::string numbers_of(const ContrastResult& contrast) {
  return fmt::format("{} points [{}, {}]", signed_text(contrast.plot.estimate), signed_text(contrast.plot.low),
                     signed_text(contrast.plot.high));
}

std::string verdict_of(const ContrastResult& contrast) {
  const std::string_view side = contrast.plot.expected > 0 ? "higher" : "lower";
  if (contrast.plot.expected == 0)
    return contrast.verdict == "not told apart" ? "not told apart" : contrast.verdict + " (nothing was expected)";
  if (contrast.verdict == "as expected") return fmt::format("{}, as expected", side);
  if (contrast.verdict == "opposite") return fmt::format("the opposite of what was expected ({})", side);
  return fmt::format("not told apart ({} was expected)", side);
}

// One sentence for a contrast of all bases.
std::string sentence_of(const StudyFile& study, std::span<const ContrastResult> contrasts) {
  const ContrastResult& first = contrasts.front();
  std::string sentence =
      fmt::format("{}. {} from {} to {}: ", first.plot.name, group_title(study, first), first.first, first.second);
  const bool alike =
      std::ranges::all_of(contrasts, [&](const ContrastResult& each) { return each.verdict == first.verdict; });
  for (std::size_t i = 0; i < contrasts.size(); ++i) {
    const ContrastResult& each = contrasts[i];
    sentence += i == 0 ? "" : "; ";
    if (study.bases.size() > 1) sentence += each.base + " ";
    sentence += numbers_of(each);
    if (!alike) sentence += ", " + verdict_of(each);
  }
  if (alike && contrasts.size() > 1) {
    sentence += (first.verdict == "not told apart" ? "; of all: " : "; all ") + verdict_of(first);
  } else if (alike) {
    sentence += ", " + verdict_of(first);
  }
  return sentence + ".";
}

constexpr double kSignificance = 0.05;

std::string headline_of(const report::StudyResults& results) {
  std::size_t expected = 0, seen = 0, opposite = 0, open = 0;
  for (const ContrastResult& each : results.contrasts) {
    if (each.plot.expected == 0) {
      ++open;
      continue;
    }
    ++expected;
    seen += each.verdict == "as expected" ? 1 : 0;
    opposite += each.verdict == "opposite" ? 1 : 0;
  }
  if (expected + open == 0) return {};
  std::string text;
  if (expected > 0) {
    text = fmt::format(
        "Of {} comparison{} with an expected direction {} {} seen as expected, {} {} the other way, and {} "
        "cannot be told from no difference.",
        expected, expected == 1 ? "" : "s", seen, seen == 1 ? "is" : "are", opposite, opposite == 1 ? "goes" : "go",
        expected - seen - opposite);
  }
  if (open > 0)
    text += fmt::format("{}{} comparison{} had no expected direction.", text.empty() ? "" : " ", open,
                        open == 1 ? "" : "s");
  // Each comparison is judged by its own interval: of many, some lie clear of 0 by chance.
  const std::size_t clear = static_cast<std::size_t>(std::ranges::count_if(
      results.contrasts, [](const ContrastResult& each) { return each.plot.low > 0 || each.plot.high < 0; }));
  const std::size_t corrected = static_cast<std::size_t>(std::ranges::count_if(
      results.contrasts, [](const ContrastResult& each) { return each.adjusted_p < kSignificance; }));
  if (clear > 0)
    text += fmt::format(
        " {} of the {} intervals lie{} clear of 0; corrected for the number of comparisons (Holm), {} stay{} below p = "
        "{}.",
        clear, results.contrasts.size(), clear == 1 ? "s" : "", corrected, corrected == 1 ? "s" : "", kSignificance);
  return text;
}

}  // namespace

void add_abstract(const StudyFile& study, report::StudyResults& results) {
  std::size_t seeds = 0;
  for (const report::ScoreRow& row : results.scores) {
    for (const report::ScoreCell& cell : row.groups) seeds = std::max(seeds, cell.seeds);
  }
  results.seeds = seeds;
  if (seeds >= kSeedsForInterval) {
    results.interval = fmt::format(
        "95 % intervals are over {} seeds and the samples asked under each: they cover another training run on other "
        "samples.",
        seeds);
  } else {
    results.interval = fmt::format(
        "95 % intervals are over samples: with {} seed{} they do not say what another training run would give.", seeds,
        seeds == 1 ? "" : "s");
  }
  results.headline = headline_of(results);
  for (std::size_t i = 0; i < results.contrasts.size();) {
    std::size_t end = i;
    while (end < results.contrasts.size() && results.contrasts[end].plot.name == results.contrasts[i].plot.name) ++end;
    results.abstract.push_back(sentence_of(study, std::span(results.contrasts).subspan(i, end - i)));
    i = end;
  }
  for (const report::SweepResult& sweep : results.sweeps) {
    if (!sweep.choice.empty())
      results.abstract.push_back(fmt::format("{} ({}). {}", sweep.title, sweep.base, sweep.choice));
  }
}

}  // namespace cambium::study
