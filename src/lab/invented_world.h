#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cambium::lab {

/// A property that all members of a category share, with the way to state it and to ask for it.
struct PropertyKind {
  std::string name;                 ///< "use"
  std::string statement;            ///< "You use a {} to {}."  first the thing, then the value
  std::string question;             ///< "What do you use a {} for?"
  std::vector<std::string> values;  ///< one for each category
};

struct Person {
  std::string name;
  std::size_t town = 0, work = 0, dish = 0, friend_of = 0;
};

/// A creature: its name and kin are told in words, its looks only in pictures.
struct Creature {
  std::string name;
  std::size_t shape = 0, colour = 0;  ///< indices into shape_names() and colour_names() of figure.h
};

/// Names and facts of a small world that no real text knows: so that what a model knows of it, it was taught here.
struct InventedWorld {
  std::vector<std::string> towns, works, dishes;
  std::vector<Person> people;
  std::vector<std::string> things;    ///< invented names
  std::vector<std::size_t> category;  ///< of each thing
  std::vector<std::string> category_names;
  std::vector<PropertyKind> properties;  ///< of categories
  std::vector<Creature> creatures;

  [[nodiscard]] static InventedWorld make(std::uint64_t seed);
};

}  // namespace cambium::lab
