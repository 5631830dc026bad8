#include <fmt/format.h>

#include "lab/skill.h"

namespace cambium::lab {

// Held out is the pair of thing and property: it follows from the thing's other properties, which show its kind.
Exercise commonsense_exercise(const InventedWorld& world, Random& draw) {
  const std::size_t thing = draw.below(world.things.size());
  const PropertyKind& property = draw.pick(world.properties);
  Exercise made;
  made.question = fmt::format(fmt::runtime(property.question), world.things[thing]);
  set_choices(made, property.values[world.category[thing]], property.values, 4, draw);
  made.answer = made.target = made.choices[made.correct];
  made.key = world.things[thing] + " " + property.name;
  made.topic = property.name;
  return made;
}

}  // namespace cambium::lab
