#pragma once

#include <vector>

#include "tune/parameter_set.h"
#include "tune/tune_config.h"

namespace cambium::tune {

/// How each tensor is trained, by the parts of a configuration.
class ParameterRules {
 public:
  explicit ParameterRules(const TuneConfig& config);
  [[nodiscard]] ParameterRule rule(const family::TensorRole& role);
  /// @throws UsageError  a part that fitted no tensor (with the nearest of the parts and roles that the model has)
  void check() const;

 private:
  TuneConfig config_;
  std::vector<bool> used_;
  std::vector<std::string> known_;
};

}  // namespace cambium::tune
