#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/decoder_config.h"

namespace cambium::model {

/// Cosines and sines of one rotary embedding by position.
class RopeTable {
 public:
  explicit RopeTable(const RopeConfig& config);

  [[nodiscard]] std::size_t half() const { return half_; }
  /// Makes the rows below `positions` of the length-independent frequencies ready. Not thread-safe.
  void reach(std::int64_t positions);
  /// Cosines (half values), then sines (half values) of a position below what was reached.
  [[nodiscard]] const float* row(std::int64_t position) const {
    return rows_.data() + static_cast<std::size_t>(position) * 2 * half_;
  }
  /// The same of `count` positions from `first`, by the frequencies of a sequence of `length` tokens.
  [[nodiscard]] std::vector<float> rows_for_length(std::int64_t first, std::size_t count, std::int64_t length) const;
  /// True if sequences of that length have frequencies of their own.
  [[nodiscard]] bool depends_on(std::int64_t length) const { return length > fixed_up_to_; }

 private:
  void append(std::vector<float>& rows, std::int64_t position, const std::vector<float>& frequencies) const;

  RopeConfig config_;
  std::size_t half_;
  std::int64_t fixed_up_to_;
  std::vector<float> frequencies_;
  std::vector<float> rows_;
};

}  // namespace cambium::model
