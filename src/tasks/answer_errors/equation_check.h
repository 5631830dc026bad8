#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cambium::tasks {

/// A calculation in a text whose two sides differ.
struct WrongEquation {
  std::string written;  ///< "48 / 2 = 25"
  double left = 0;      ///< what the left side is
};

/// The first equation between numbers that is wrong by more than rounding or cutting digits off explains.
///
/// Read are chains of sides with + - * / ^ and brackets ("3 x 4 = 12", "<<48/2=24>>", "$1,200 × 3 = $3,600",
/// "\frac{3}{4} \cdot 8 = 6"); units behind numbers are passed over where the operation allows ("3 hours * 60 minutes =
/// 180 minutes"; for sums all units must be the same). A chain that goes on calculating ("2 + 3 = 5 * 2 = 10") is right
/// if each result is. Percentages count as hundredths or as they are, whichever fits. Letters make algebra, which is
/// not judged. Cost: linear.
[[nodiscard]] std::optional<WrongEquation> wrong_equation(std::string_view text);

}  // namespace cambium::tasks
