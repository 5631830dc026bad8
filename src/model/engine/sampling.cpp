#include "model/engine/sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "model/native/row_kernels.h"
#include "tensor/error.h"

namespace cambium::model {

namespace {

struct Candidate {
  float logit;
  std::int32_t id;
};

// Most probable first; of equals the lower id.
bool before(const Candidate& a, const Candidate& b) { return a.logit != b.logit ? a.logit > b.logit : a.id < b.id; }

void penalise(std::vector<float>& logits, std::span<const std::int32_t> context, double penalty) {
  std::vector<bool> seen(logits.size(), false);
  const auto factor = static_cast<float>(penalty);
  for (const std::int32_t id : context) {
    const auto place = static_cast<std::size_t>(id);
    if (place >= logits.size() || seen[place]) continue;
    seen[place] = true;
    logits[place] = logits[place] > 0 ? logits[place] / factor : logits[place] * factor;
  }
}

// A number in [0, 1) from seed and counter (splitmix64's finisher over both).
double uniform(std::uint64_t seed, std::uint64_t counter) {
  std::uint64_t bits = seed + 0x9e3779b97f4a7c15ULL * (counter + 1);
  for (int round = 0; round < 2; ++round) {
    bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebULL;
    bits ^= bits >> 31U;
  }
  return static_cast<double>(bits >> 11U) * 0x1.0p-53;
}

// Candidates that survive top-k, top-p and min-p, most probable first.
std::vector<Candidate> shortlist(const std::vector<float>& logits, const SamplingOptions& options) {
  std::vector<Candidate> candidates;
  candidates.reserve(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) candidates.push_back({logits[i], static_cast<std::int32_t>(i)});
  const auto k = static_cast<std::size_t>(options.top_k);
  if (k > 0 && k < candidates.size()) {
    std::nth_element(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(k), candidates.end(), before);
    candidates.resize(k);
  }
  std::sort(candidates.begin(), candidates.end(), before);
  const auto share = [&](const Candidate& c) {
    return std::exp(static_cast<double>(c.logit) - static_cast<double>(candidates[0].logit));
  };
  if (options.top_p < 1) {
    double total = 0, reached = 0;
    for (const Candidate& candidate : candidates) total += share(candidate);
    std::size_t kept = 0;
    while (kept < candidates.size() && reached < options.top_p * total) reached += share(candidates[kept++]);
    candidates.resize(std::max<std::size_t>(1, kept));
  }
  if (options.min_p > 0) {
    std::size_t kept = 1;
    while (kept < candidates.size() && share(candidates[kept]) >= options.min_p) ++kept;
    candidates.resize(kept);
  }
  return candidates;
}

void check_range(bool good, const char* name, double value, const char* range) {
  if (!good) throw UsageError(fmt::format("{} is {}, expected {}", name, value, range));
}

}  // namespace

void SamplingOptions::check() const {
  check_range(repetition_penalty > 0 && std::isfinite(repetition_penalty), "repetition penalty", repetition_penalty,
              "a number greater than 0");
  check_range(temperature >= 0 && std::isfinite(temperature), "temperature", temperature, "0 (greedy) or more");
  check_range(top_k >= 0, "top-k", static_cast<double>(top_k), "0 (off) or more");
  check_range(top_p > 0 && top_p <= 1, "top-p", top_p, "more than 0 and at most 1");
  check_range(min_p >= 0 && min_p <= 1, "min-p", min_p, "0 (off) to 1");
}

SampledToken sample(std::span<const float> logits, std::span<const std::int32_t> context,
                    const SamplingOptions& options, std::uint64_t draw) {
  const LogitSummary summary = summarize_logits(logits.data(), logits.size());
  const auto chosen = [&](std::int32_t id) {
    return SampledToken{id, static_cast<double>(logits[static_cast<std::size_t>(id)]) - summary.log_sum_exp};
  };
  if (options.temperature == 0 && options.repetition_penalty == 1)
    return chosen(static_cast<std::int32_t>(summary.best));
  std::vector<float> changed(logits.begin(), logits.end());
  if (options.repetition_penalty != 1) penalise(changed, context, options.repetition_penalty);
  if (options.temperature == 0) {
    return chosen(static_cast<std::int32_t>(summarize_logits(changed.data(), changed.size()).best));
  }
  for (float& logit : changed) logit = static_cast<float>(static_cast<double>(logit) / options.temperature);
  const std::vector<Candidate> candidates = shortlist(changed, options);
  double total = 0;
  std::vector<double> reached;
  for (const Candidate& candidate : candidates) {
    total += std::exp(static_cast<double>(candidate.logit) - static_cast<double>(candidates[0].logit));
    reached.push_back(total);
  }
  const double target = uniform(options.seed, draw) * total;
  const auto place = std::upper_bound(reached.begin(), reached.end(), target) - reached.begin();
  const auto last = static_cast<std::ptrdiff_t>(candidates.size()) - 1;
  return chosen(candidates[static_cast<std::size_t>(std::min(place, last))].id);
}

}  // namespace cambium::model
