#include <fmt/format.h>

#include <array>

#include "lab/skill.h"

namespace cambium::lab {

// Each fact is asked in several ways; held out is the pair of fact and way, so that a test asks for something taught in
// other words.
Exercise facts_exercise(const InventedWorld& world, Random& draw) {
  struct Relation {
    const char* name;
    std::array<const char*, 4> ways;
  };
  static constexpr std::array<Relation, 4> kRelations{{
      {"town", {"Where does {} live?", "In which town does {} live?", "What is the home of {}?", "{} lives in"}},
      {"work", {"What is the work of {}?", "What does {} work as?", "Which job does {} have?", "{} works as a"}},
      {"dish",
       {"What does {} like to eat?", "What is the favourite food of {}?", "What does {} eat?", "{} likes to eat"}},
      {"friend", {"Who is the friend of {}?", "Whom does {} like?", "Who is a friend to {}?", "{} is a friend of"}},
  }};
  const std::size_t who = draw.below(world.people.size());
  const std::size_t relation = draw.below(kRelations.size());
  const std::size_t way = draw.below(4);
  const Person& person = world.people[who];
  std::vector<std::string> people;
  for (const Person& other : world.people) {
    if (other.name != person.name) people.push_back(other.name);
  }
  Exercise made;
  made.question = fmt::format(fmt::runtime(kRelations[relation].ways[way]), person.name);
  switch (relation) {
    case 0:
      set_choices(made, world.towns[person.town], world.towns, 4, draw);
      break;
    case 1:
      set_choices(made, world.works[person.work], world.works, 4, draw);
      break;
    case 2:
      set_choices(made, world.dishes[person.dish], world.dishes, 4, draw);
      break;
    default:
      set_choices(made, world.people[person.friend_of].name, people, 4, draw);
  }
  made.answer = made.target = made.choices[made.correct];
  made.key = fmt::format("{} {} {}", person.name, kRelations[relation].name, way);
  made.topic = kRelations[relation].name;
  return made;
}

}  // namespace cambium::lab
