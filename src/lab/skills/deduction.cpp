#include <fmt/format.h>

#include "lab/skill.h"

namespace cambium::lab {

// Three people ordered by two sentences in random order. Held out are the people.
Exercise deduction_exercise(const InventedWorld& world, Random& draw) {
  static const std::vector<std::pair<std::string, std::string>> kScales{
      {"taller", "the tallest"}, {"older", "the oldest"}, {"faster", "the fastest"}};
  const std::vector<Person> who = draw.sample(world.people, 3);
  const auto& [more, most] = draw.pick(kScales);
  std::vector<std::string> sentences{fmt::format("{} is {} than {}.", who[0].name, more, who[1].name),
                                     fmt::format("{} is {} than {}.", who[1].name, more, who[2].name)};
  draw.shuffle(sentences);
  Exercise made;
  made.question = fmt::format("{} {} Who is {}?", sentences[0], sentences[1], most);
  set_choices(made, who[0].name, {who[1].name, who[2].name}, 3, draw);
  made.answer = made.target = who[0].name;
  made.key = who[0].name + " " + who[1].name + " " + who[2].name;
  made.topic = more;
  return made;
}

}  // namespace cambium::lab
