#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "lab/exercise.h"
#include "lab/invented_world.h"
#include "lab/random.h"

namespace cambium::lab {

/// How a skill's answers are scored.
enum class Scoring {
  kChoice,    ///< the most probable of the choices
  kSolution,  ///< the text behind "####" of a generated solution
  kExact,     ///< the whole generated answer
};

/// A language skill: a generator of exercises. A new skill is a file in skills/ and a row in skill_table.cpp.
struct Skill {
  std::string_view name;
  std::string_view what;
  Scoring scoring = Scoring::kExact;
  /// One exercise. Which side it falls on follows from its key.
  Exercise (*make)(const InventedWorld& world, Random& draw) = nullptr;
};

[[nodiscard]] std::span<const Skill> skill_table();

Exercise arithmetic_exercise(const InventedWorld& world, Random& draw);
Exercise facts_exercise(const InventedWorld& world, Random& draw);
Exercise commonsense_exercise(const InventedWorld& world, Random& draw);
Exercise instruction_exercise(const InventedWorld& world, Random& draw);
Exercise program_exercise(const InventedWorld& world, Random& draw);
Exercise deduction_exercise(const InventedWorld& world, Random& draw);

/// Puts the right answer among `others` in random order, `count` choices in all.
void set_choices(Exercise& exercise, const std::string& right, std::vector<std::string> others, std::size_t count,
                 Random& draw);

/// `count` different exercises (by question) of one side; fewer if the skill has no more.
[[nodiscard]] std::vector<Exercise> exercises_of(const Skill& skill, const InventedWorld& world, Side side,
                                                 std::size_t count, std::uint64_t seed);

}  // namespace cambium::lab
