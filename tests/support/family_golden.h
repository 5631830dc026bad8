#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "checkpoint/weight_source.h"

namespace cambium::testing_support {

/// One file of tests/golden/families (see make_families.py there).
struct FamilyGolden {
  nlohmann::ordered_json json;
  std::vector<checkpoint::TensorInfo> tensors;  ///< running numbers written out, sorted by name

  [[nodiscard]] const nlohmann::ordered_json& config() const { return json.at("config"); }
  /// The tensors under the names of another layout.
  [[nodiscard]] std::vector<checkpoint::TensorInfo> in_layout(const std::string& layout) const {
    std::vector<checkpoint::TensorInfo> renamed = tensors;
    for (auto& tensor : renamed) tensor.name = json.at("names").at(layout).at(tensor.name).get<std::string>();
    std::ranges::sort(renamed, {}, &checkpoint::TensorInfo::name);
    return renamed;
  }
};

inline FamilyGolden family_golden(const std::string& name) {
  FamilyGolden golden;
  const std::filesystem::path folder = std::filesystem::path(CAMBIUM_SOURCE_DIR) / "tests/golden/families";
  std::ifstream in(folder / (name + ".json"));
  if (!in) throw std::runtime_error("no golden " + name);
  golden.json = nlohmann::ordered_json::parse(in);
  for (const auto& [key, shape] : golden.json.at("tensors").items()) {
    const std::size_t open = key.find('{'), close = key.find('}');
    const int count = open == std::string::npos ? 1 : std::stoi(key.substr(open + 1));
    for (int i = 0; i < count; ++i) {
      const std::string full =
          open == std::string::npos ? key : key.substr(0, open) + std::to_string(i) + key.substr(close + 1);
      golden.tensors.push_back({.name = full, .dtype = DType::kF32, .shape = shape.get<Shape>()});
    }
  }
  std::ranges::sort(golden.tensors, {}, &checkpoint::TensorInfo::name);
  return golden;
}

/// Names of all goldens of that folder.
inline std::vector<std::string> family_golden_names() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(CAMBIUM_SOURCE_DIR) / "tests/golden/families")) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace cambium::testing_support
