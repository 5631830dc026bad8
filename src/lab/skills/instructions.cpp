#include <fmt/format.h>

#include <algorithm>

#include "lab/skill.h"

namespace cambium::lab {
namespace {

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  return fmt::format("{}", fmt::join(words, between));
}

}  // namespace

// A list of words and what to do with it, then how to end the answer. Held out are the words with the first task.
Exercise instruction_exercise(const InventedWorld& world, Random& draw) {
  static const std::vector<std::string> kWords{"red",  "blue", "tree", "house", "river", "stone", "cloud", "bird",
                                               "fish", "moon", "sun",  "road",  "lamp",  "door",  "rain",  "snow"};
  static const std::vector<std::string> kNumbers{"one", "two", "three", "four"};
  static_cast<void>(world);
  std::vector<std::string> words = draw.sample(kWords, static_cast<std::size_t>(draw.between(3, 4)));
  const std::string list = joined(words, " ");
  Exercise made;
  std::string task;
  switch (draw.below(5)) {
    case 0:
      made.topic = "last", task = "Say the last word.";
      words = {words.back()};
      break;
    case 1:
      made.topic = "first", task = "Say the first two words.";
      words.resize(2);
      break;
    case 2:
      made.topic = "reverse", task = "Say the words in reverse order.";
      std::ranges::reverse(words);
      break;
    case 3: {
      const std::size_t times = static_cast<std::size_t>(draw.between(2, 4));
      made.topic = "repeat", task = fmt::format("Say the first word {} times.", kNumbers[times - 1]);
      words.assign(times, words.front());
      break;
    }
    default:
      made.topic = "copy", task = "Say the words.";
  }
  made.key = made.topic + " " + list;
  const bool commas = draw.below(2) == 0;
  if (commas) task += " Put commas between words.";
  made.answer = joined(words, commas ? ", " : " ");
  if (draw.below(3) == 0) {
    task += " End with: done";
    made.answer += " done";
  }
  made.question = fmt::format("Words: {}. {}", list, task);
  made.target = made.answer;
  return made;
}

}  // namespace cambium::lab
