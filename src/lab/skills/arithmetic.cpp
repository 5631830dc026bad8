#include <fmt/format.h>

#include "lab/skill.h"

namespace cambium::lab {

// "Mino has 7 nuts. Mino buys 5 more and then gives away 3. How many nuts are left?" Sums stay below 19, so that a
// small model can know each step; what is held out is the combination of steps.
Exercise arithmetic_exercise(const InventedWorld& world, Random& draw) {
  const std::string& name = draw.pick(world.people).name;
  const std::string& what = draw.pick(world.dishes);
  const int first = draw.between(1, 9);
  const int second = draw.between(1, 9);
  const int sum = first + second;
  const bool gives = draw.below(2) == 0;
  const int third = draw.between(1, gives ? std::min(9, sum - 1) : 9);
  const int result = gives ? sum - third : sum + third;
  Exercise made;
  made.question = fmt::format("{0} has {1} {2}. {0} buys {3} more and then {4} {5}. How many {2} does {0} have?", name,
                              first, what, second, gives ? "gives away" : "finds", third);
  made.target = fmt::format("{}", result);
  made.answer = fmt::format("{} + {} = {}. {} {} {} = {}.\n#### {}", first, second, sum, sum, gives ? '-' : '+', third,
                            result, result);
  made.key = fmt::format("{} {} {} {}", first, second, third, gives);
  made.topic = gives ? "minus" : "plus";
  return made;
}

}  // namespace cambium::lab
