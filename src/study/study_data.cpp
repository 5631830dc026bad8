#include "study/study_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "report/markup.h"

namespace cambium::study {

namespace fs = std::filesystem;

std::string StudyData::arm_of(const std::string& path, const std::string& base, std::int64_t seed) const {
  const auto found = std::ranges::find_if(
      graph.models, [&](const ArmModel& each) { return each.model == path && each.base == base && each.seed == seed; });
  return found == graph.models.end() ? fs::path(path).filename().string() : found->arm;
}

const ArmModel* StudyData::model_of(const std::string& arm, const std::string& base, std::int64_t seed) const {
  const auto found = std::ranges::find_if(
      graph.models, [&](const ArmModel& each) { return each.arm == arm && each.base == base && each.seed == seed; });
  return found == graph.models.end() ? nullptr : &*found;
}

std::vector<StudyData::Output> StudyData::outputs(const Measure& measure, const std::string& base) const {
  std::vector<Output> found;
  for (const MeasureRun& run : graph.measures) {
    if (run.measure != measure.name || run.base != base || !done.contains(run.step)) continue;
    const fs::path file = folder.step_path(run.step) / "stdout";
    if (!fs::exists(file) || fs::is_empty(file)) continue;
    found.push_back({.seed = run.seed, .json = checkpoint::read_json(file)});
  }
  return found;
}

bool takes(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::ranges::find(names, name) != names.end();
}

Estimate estimate_of_seeds(const std::vector<double>& values) {
  if (values.size() >= kSeedsForInterval) return estimate_over_seeds(values);
  constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
  Estimate estimate{.value = values.empty() ? kNothing : 0, .low = kNothing, .high = kNothing, .p_value = kNothing};
  for (const double value : values) estimate.value += value / static_cast<double>(values.size());
  return estimate;
}

std::string estimate_text(const Estimate& estimate, int digits) {
  using report::number_text;
  if (std::isnan(estimate.low)) return number_text(estimate.value, digits);
  return fmt::format("{} [{}, {}]", number_text(estimate.value, digits), number_text(estimate.low, digits),
                     number_text(estimate.high, digits));
}

}  // namespace cambium::study
