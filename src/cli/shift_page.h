#pragma once

#include <span>
#include <string>

#include "shift/measure_shift.h"

namespace cambium::cli {

/// A self-contained HTML page: how far one or several models moved from one base, by layer, module and head.
[[nodiscard]] std::string shift_page(std::span<const shift::ModelShift> shifts);

}  // namespace cambium::cli
