#include "lab/training_rows.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lab/random.h"

namespace cambium::lab {

using Json = nlohmann::ordered_json;

Json conversation(const Exercise& exercise, const std::string& skill, std::size_t id, const std::string& column,
                  const std::vector<std::string>& files) {
  Json row{{"id", fmt::format("{}-{}", skill, id)}, {"skill", skill}, {"topic", exercise.topic}};
  std::string question;
  if (files.size() == 1) {
    row[column] = files[0];
  } else if (!files.empty()) {
    row[column] = files;
  }
  for (std::size_t i = 0; i < files.size(); ++i) question += "<" + column + ">";
  if (!files.empty()) question += "\n";
  row["conversations"] = {{{"from", "human"}, {"value", question + exercise.question}},
                          {{"from", "gpt"}, {"value", exercise.answer}}};
  return row;
}

std::vector<std::string> world_documents(const InventedWorld& world, std::uint64_t seed) {
  std::vector<std::string> told;
  for (const Person& person : world.people) {
    told.push_back(fmt::format("{0} lives in {1}. {0} works as a {2}. {0} likes to eat {3}. The friend of {0} is {4}.",
                               person.name, world.towns[person.town], world.works[person.work],
                               world.dishes[person.dish], world.people[person.friend_of].name));
  }
  for (std::size_t i = 0; i < world.things.size(); ++i) {
    std::string text;
    for (const PropertyKind& property : world.properties) {
      if (side_of(world.things[i] + " " + property.name, seed) == Side::kTest) continue;
      text += fmt::format(fmt::runtime(property.statement), world.things[i], property.values[world.category[i]]) + " ";
    }
    if (!text.empty()) text.pop_back();
    told.push_back(std::move(text));
  }
  for (const Creature& creature : world.creatures) told.push_back(fmt::format("A {} is a creature.", creature.name));
  return told;
}

}  // namespace cambium::lab
