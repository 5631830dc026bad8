#pragma once

#include <span>
#include <string>

#include "checkpoint/json.h"
#include "shift/measure_shift.h"
#include "shift/shift_rows.h"

namespace cambium::shift {

/// {"base", "models", "rows": [...]}: one row for each model, level and thing summed over. A row has `model`, `level`,
/// `tensor`, `role`, `layer`, `head` (where it has one), `elements`, `mean_abs`, `rms`, `max_abs`, `relative`,
/// `cosine`, `sign_change_share`, `equal_share`, `top_mass` ({"1": ..., "50": ...}: share of sum |d| in the largest so
/// many per cent of values) and `nonfinite` when there are some. Undefined numbers (cosine of zeros) are null.
[[nodiscard]] checkpoint::Json shift_json(std::span<const ModelShift> shifts, std::span<const Level> levels);

/// The same rows as comma-separated values with a header line; undefined numbers and missing names are empty.
[[nodiscard]] std::string shift_csv(std::span<const ModelShift> shifts, std::span<const Level> levels);

}  // namespace cambium::shift
