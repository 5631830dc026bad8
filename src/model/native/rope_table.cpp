#include "model/native/rope_table.h"

#include <algorithm>
#include <cmath>

namespace cambium::model {

RopeTable::RopeTable(const RopeConfig& config)
    : config_(config),
      half_(static_cast<std::size_t>(config.rotary_dim / 2)),
      fixed_up_to_(config.fixed_up_to()),
      frequencies_(config.inverse_frequencies(1)) {}

void RopeTable::append(std::vector<float>& rows, std::int64_t position, const std::vector<float>& frequencies) const {
  const auto factor = static_cast<float>(config_.attention_factor);
  for (const float frequency : frequencies) rows.push_back(std::cos(static_cast<float>(position) * frequency) * factor);
  for (const float frequency : frequencies) rows.push_back(std::sin(static_cast<float>(position) * frequency) * factor);
}

void RopeTable::reach(std::int64_t positions) {
  auto ready = static_cast<std::int64_t>(rows_.size() / (2 * half_));
  if (positions <= ready) return;
  // Ahead by a little, so that a decode step does not compute a row each time.
  for (const std::int64_t end = positions + 64; ready < end; ++ready) append(rows_, ready, frequencies_);
}

std::vector<float> RopeTable::rows_for_length(std::int64_t first, std::size_t count, std::int64_t length) const {
  const std::vector<float> frequencies = config_.inverse_frequencies(length);
  std::vector<float> rows;
  rows.reserve(count * 2 * half_);
  for (std::size_t i = 0; i < count; ++i) append(rows, first + static_cast<std::int64_t>(i), frequencies);
  return rows;
}

}  // namespace cambium::model
