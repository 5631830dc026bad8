#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::merge {

/// Keep-masks drawn elsewhere, by output tensor and model: what a random method drew in another program, so that the
/// rest of its arithmetic can be compared exactly.
class RecordedMasks {
 public:
  /// @param mask  one byte per element of the tensor, 0 or 1
  void add(std::string tensor, std::string model, std::vector<std::uint8_t> mask) {
    masks_[std::move(tensor) + "::" + std::move(model)] = std::move(mask);
  }
  /// The whole mask, or empty if none was recorded.
  [[nodiscard]] std::span<const std::uint8_t> find(std::string_view tensor, std::string_view model) const {
    const auto found = masks_.find(std::string(tensor) + "::" + std::string(model));
    return found == masks_.end() ? std::span<const std::uint8_t>{} : std::span<const std::uint8_t>(found->second);
  }

 private:
  std::map<std::string, std::vector<std::uint8_t>> masks_;
};

}  // namespace cambium::merge
