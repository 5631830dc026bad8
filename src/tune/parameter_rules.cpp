#include "tune/parameter_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>

#include "tensor/error.h"
#include "text/jinja_nearest.h"

namespace cambium::tune {

namespace {

bool fits(const PartConfig& part, const family::TensorRole& role) {
  if (part.layers.has_value() && (role.layer < part.layers->first || role.layer > part.layers->second)) return false;
  if (part.match == "all" || part.match == family::name_of(role.part)) return true;
  // "tower" means that of any modality.
  if (part.match == "tower") return role.part == family::Part::kVisionTower || role.part == family::Part::kAudioTower;
  if (role.part == family::Part::kLanguage && part.match == family::name_of(role.role)) return true;
  return part.match.find('*') != std::string::npos && fnmatch(part.match.c_str(), role.name.c_str(), 0) == 0;
}

}  // namespace

ParameterRules::ParameterRules(const TuneConfig& config) : config_(config), used_(config.parts.size(), false) {}

ParameterRule ParameterRules::rule(const family::TensorRole& role) {
  ParameterRule rule;
  const bool vector = role.shape.size() < 2;
  rule.weight_decay = vector && !config_.decay_norms_and_biases ? 0.0 : config_.weight_decay;
  for (const std::string_view name : {family::name_of(role.part), family::name_of(role.role)}) {
    if (std::ranges::find(known_, name) == known_.end()) known_.emplace_back(name);
  }
  for (std::size_t i = 0; i < config_.parts.size(); ++i) {
    const PartConfig& part = config_.parts[i];
    if (!fits(part, role)) continue;
    used_[i] = true;
    rule.trained = !part.frozen;
    if (part.learning_rate.has_value()) {
      rule.rate_factor = config_.learning_rate > 0 ? *part.learning_rate / config_.learning_rate : 0.0;
      if (*part.learning_rate == 0) rule.trained = false;
    }
    if (part.weight_decay.has_value()) rule.weight_decay = *part.weight_decay;
  }
  return rule;
}

void ParameterRules::check() const {
  for (std::size_t i = 0; i < used_.size(); ++i) {
    if (used_[i]) continue;
    const std::vector<std::string_view> names(known_.begin(), known_.end());
    throw UsageError(fmt::format(
        "train.parts: '{}' fits no tensor of the model.{} It has: {}; patterns of names hold a *",
        config_.parts[i].match, text::jinja::nearest_names(config_.parts[i].match, names), fmt::join(names, ", ")));
  }
}

}  // namespace cambium::tune
