#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cambium::tune {

/// Learning rate over a run.
struct LearningRate {
  enum class Shape : std::uint8_t {
    kConstant,
    kLinear,  ///< falls to the floor in a line
    kCosine,  ///< falls to the floor in half a cosine (arXiv:1608.03983)
    kWsd,     ///< stays, then falls in a line over the last part (arXiv:2404.06395)
  };
  Shape shape = Shape::kCosine;
  double peak = 1e-5;
  double floor_share = 0.0;   ///< lowest rate, as a share of the peak
  double warmup_share = 0.0;  ///< share of the run in which the rate rises from 0 in a line
  double decay_share = 0.1;   ///< of the run, at its end (kWsd)

  /// @param progress  share of the run that is done before the step, and @param step_share  the step's own share: the
  /// first warm-up step has a rate above 0
  [[nodiscard]] double at(double progress, double step_share) const;
};

/// "constant", "linear", "cosine", "wsd". @throws UsageError  another word (lists the known ones, nearest first)
[[nodiscard]] LearningRate::Shape schedule_from_name(std::string_view name);

}  // namespace cambium::tune
