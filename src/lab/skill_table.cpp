#include <algorithm>
#include <set>

#include "lab/skill.h"

namespace cambium::lab {

std::span<const Skill> skill_table() {
  static constexpr Skill kSkills[] = {
      {"arithmetic", "word problems of two steps with worked solutions", Scoring::kSolution, arithmetic_exercise},
      {"facts", "who lives, works and eats what in the invented world", Scoring::kChoice, facts_exercise},
      {"commonsense", "properties that a thing has because of its kind", Scoring::kChoice, commonsense_exercise},
      {"instructions", "answers under constraints that a program checks", Scoring::kExact, instruction_exercise},
      {"programs", "what a small program prints", Scoring::kSolution, program_exercise},
      {"deduction", "who comes first, from pairs", Scoring::kChoice, deduction_exercise},
  };
  return kSkills;
}

void set_choices(Exercise& exercise, const std::string& right, std::vector<std::string> others, std::size_t count,
                 Random& draw) {
  std::erase(others, right);
  others = draw.sample(std::move(others), count - 1);
  exercise.correct = draw.below(count);
  others.insert(others.begin() + static_cast<std::ptrdiff_t>(exercise.correct), right);
  exercise.choices = std::move(others);
}

std::vector<Exercise> exercises_of(const Skill& skill, const InventedWorld& world, Side side, std::size_t count,
                                   std::uint64_t seed) {
  Random draw(seed, std::string(skill.name) + (side == Side::kTest ? " test" : " train"));
  std::vector<Exercise> made;
  std::set<std::string> seen;
  // A skill of few exercises is exhausted when many draws in a row bring nothing new.
  for (std::size_t idle = 0; made.size() < count && idle < 2000;) {
    Exercise exercise = skill.make(world, draw);
    if (side_of(exercise.key, seed) != side || !seen.insert(exercise.question).second) {
      ++idle;
      continue;
    }
    idle = 0;
    made.push_back(std::move(exercise));
  }
  return made;
}

}  // namespace cambium::lab
