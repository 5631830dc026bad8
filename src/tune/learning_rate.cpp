#include "tune/learning_rate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "tensor/error.h"
#include "text/jinja_nearest.h"

namespace cambium::tune {

double LearningRate::at(double progress, double step_share) const {
  if (warmup_share > 0 && progress < warmup_share) {
    return peak * std::min(1.0, (progress + step_share) / warmup_share);
  }
  const double share = warmup_share < 1 ? (progress - warmup_share) / (1.0 - warmup_share) : 1.0;
  const double place = std::clamp(share, 0.0, 1.0);
  double height = 1.0;
  switch (shape) {
    case Shape::kConstant:
      return peak;
    case Shape::kLinear:
      height = 1.0 - place;
      break;
    case Shape::kCosine:
      height = 0.5 * (1.0 + std::cos(std::numbers::pi * place));
      break;
    case Shape::kWsd: {
      const double start = 1.0 - decay_share;
      height = progress < start || decay_share <= 0 ? 1.0 : std::max(0.0, (1.0 - progress) / decay_share);
      break;
    }
  }
  return peak * (floor_share + (1.0 - floor_share) * height);
}

LearningRate::Shape schedule_from_name(std::string_view name) {
  static constexpr std::array<std::string_view, 4> kNames{"constant", "linear", "cosine", "wsd"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<LearningRate::Shape>(i);
  }
  throw UsageError(fmt::format("unknown schedule '{}'.{} Known are constant, linear, cosine, wsd", name,
                               text::jinja::nearest_names(name, kNames)));
}

}  // namespace cambium::tune
