#include <fmt/format.h>

#include "lab/skill.h"

namespace cambium::lab {

// Three assignments over two variables, values 0 to 18, then a print; the solution states each value in turn.
Exercise program_exercise(const InventedWorld& world, Random& draw) {
  static_cast<void>(world);
  const int start = draw.between(1, 9);
  const int added = draw.between(1, 9);
  const int sum = start + added;
  const int taken = draw.between(0, std::min(sum, 9));
  const int rest = sum - taken;
  const bool swapped = draw.below(2) == 0;
  const char x = swapped ? 'b' : 'a';
  const char y = swapped ? 'a' : 'b';
  const bool last = draw.below(3) > 0;
  Exercise made;
  made.question =
      fmt::format("{0} = {2}\n{1} = {0} + {3}\n{0} = {1} - {4}\nprint({5})", x, y, start, added, taken, last ? x : y);
  const int printed = last ? rest : sum;
  made.target = fmt::format("{}", printed);
  made.answer = fmt::format("{0} = {2}\n{1} = {2} + {3} = {4}\n{0} = {4} - {5} = {6}\n#### {7}", x, y, start, added,
                            sum, taken, rest, printed);
  made.key = fmt::format("{} {} {}", start, added, taken);
  made.topic = last ? "last" : "middle";
  return made;
}

}  // namespace cambium::lab
