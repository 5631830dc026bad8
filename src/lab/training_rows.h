#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "lab/exercise.h"
#include "lab/invented_world.h"

namespace cambium::lab {

/// A training row in LLaVA's form: {"id", "skill", "topic", "conversations": [human, gpt]}. With files, the question
/// begins with one tag for each and the row names them under `column` (a text for one file, a list for several).
[[nodiscard]] nlohmann::ordered_json conversation(const Exercise& exercise, const std::string& skill, std::size_t id,
                                                  const std::string& column = {},
                                                  const std::vector<std::string>& files = {});

/// The world told in sentences: people, things, what holds of them; without what tests hold out.
[[nodiscard]] std::vector<std::string> world_documents(const InventedWorld& world, std::uint64_t seed);

}  // namespace cambium::lab
