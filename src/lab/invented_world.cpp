#include "lab/invented_world.h"

#include <set>

#include "lab/figure.h"
#include "lab/random.h"

namespace cambium::lab {
namespace {

constexpr std::size_t kPeople = 32;
constexpr std::size_t kThingsPerCategory = 12;
constexpr std::size_t kCreatures = 16;

// Pronounceable, of two or three syllables, none twice.
class NameMaker {
 public:
  explicit NameMaker(Random random) : random_(random) {}
  std::string next(bool capital) {
    static const std::vector<std::string> kOpen{"ba", "do", "fi", "gu", "ka", "le",  "mi",  "no",  "pu",  "ra",
                                                "so", "ti", "va", "we", "zo", "shi", "bru", "tre", "glo", "ple"};
    static const std::vector<std::string> kEnd{"", "n", "r", "l", "x", "m"};
    for (;;) {
      std::string name = random_.pick(kOpen) + random_.pick(kOpen);
      if (random_.below(3) == 0) name += random_.pick(kOpen);
      name += random_.pick(kEnd);
      if (!used_.insert(name).second) continue;
      if (capital) name[0] = static_cast<char>(name[0] - 'a' + 'A');
      return name;
    }
  }

 private:
  Random random_;
  std::set<std::string> used_;
};

}  // namespace

InventedWorld InventedWorld::make(std::uint64_t seed) {
  InventedWorld world;
  NameMaker names(Random(seed, "world names"));
  Random draw(seed, "world facts");
  for (int i = 0; i < 8; ++i) world.towns.push_back(names.next(true));
  world.works = {"baker", "doctor", "farmer", "miner", "painter", "sailor", "singer", "teacher"};
  world.dishes = {"apples", "bread", "cheese", "fish", "honey", "nuts", "rice", "soup"};
  for (std::size_t i = 0; i < kPeople; ++i) {
    Person person{.name = names.next(true), .town = draw.below(8), .work = draw.below(8), .dish = draw.below(8)};
    person.friend_of = (i + 1 + draw.below(kPeople - 1)) % kPeople;
    world.people.push_back(std::move(person));
  }
  world.category_names = {"animal", "fruit", "tool", "vehicle", "garment", "instrument"};
  world.properties = {
      {"kind", "A {} is a kind of {}.", "What kind of thing is a {}?", world.category_names},
      {"place",
       "You find a {} in the {}.",
       "Where do you find a {}?",
       {"forest", "garden", "workshop", "street", "wardrobe", "concert hall"}},
      {"use",
       "People like a {} because they can {} it.",
       "What can people do with a {}?",
       {"feed", "eat", "repair things with", "ride", "wear", "play"}},
      {"maker",
       "A {} comes from a {}.",
       "Whom does a {} come from?",
       {"breeder", "gardener", "smith", "engineer", "tailor", "musician"}},
      {"need", "A {} needs {}.", "What does a {} need?", {"food", "sunshine", "oil", "fuel", "washing", "tuning"}},
  };
  for (std::size_t c = 0; c < world.category_names.size(); ++c) {
    for (std::size_t i = 0; i < kThingsPerCategory; ++i) {
      world.things.push_back(names.next(false));
      world.category.push_back(c);
    }
  }
  std::vector<Creature> looks;
  for (std::size_t s = 0; s < shape_names().size(); ++s) {
    for (std::size_t c = 0; c < colour_names().size(); ++c) looks.push_back({.name = {}, .shape = s, .colour = c});
  }
  world.creatures = draw.sample(looks, kCreatures);
  for (Creature& creature : world.creatures) creature.name = names.next(false);
  return world;
}

}  // namespace cambium::lab
