#include <fmt/format.h>

#include <algorithm>

#include "lab/media_exercises.h"
#include "lab/skill.h"

namespace cambium::lab {
namespace {

constexpr double kNoise = 6;

Rgb ground(Random& draw) {
  const auto shade = static_cast<std::uint8_t>(draw.between(10, 60));
  return {shade, shade, shade};
}

Exercise choice(std::string topic, std::string question, const std::string& right, const std::vector<std::string>& all,
                std::size_t count, Random& draw) {
  Exercise made;
  made.topic = std::move(topic);
  made.question = std::move(question);
  set_choices(made, right, all, count, draw);
  made.answer = made.target = right;
  return made;
}

std::vector<std::string> numbers(int low, int high) {
  std::vector<std::string> all;
  for (int i = low; i <= high; ++i) all.push_back(fmt::format("{}", i));
  return all;
}

struct Placed {
  std::size_t shape, colour;
  double x, y, radius;
};

Placed anywhere(int size, Random& draw) {
  const double radius = size * (0.2 + 0.14 * draw.unit());
  const double room = size - 2 * radius;
  return {draw.below(shape_names().size()), draw.below(colour_names().size()), radius + room * draw.unit(),
          radius + room * draw.unit(), radius};
}

void put(Figure& figure, const Placed& what) {
  figure.draw_shape(what.shape, what.x, what.y, what.radius, colour_of(what.colour));
}

Viewed<Figure> single(const InventedWorld&, int size, Random& draw) {
  Viewed<Figure> made{Figure(size, size, ground(draw)), {}};
  const Placed what = anywhere(size, draw);
  put(made.medium, what);
  made.questions.push_back(
      choice("colour", "What colour is the figure?", colour_names()[what.colour], colour_names(), 4, draw));
  made.questions.push_back(
      choice("shape", "What shape is the figure?", shape_names()[what.shape], shape_names(), 4, draw));
  return made;
}

Viewed<Figure> count(const InventedWorld&, int size, Random& draw) {
  Viewed<Figure> made{Figure(size, size, ground(draw)), {}};
  const int many = draw.between(1, 4);
  std::vector<int> cells{0, 1, 2, 3};
  draw.shuffle(cells);
  const std::size_t shape = draw.below(shape_names().size());
  const std::size_t colour = draw.below(colour_names().size());
  for (int i = 0; i < many; ++i) {
    const int cell = cells[static_cast<std::size_t>(i)];
    put(made.medium, {shape, colour, size * (0.25 + 0.5 * (cell % 2)), size * (0.25 + 0.5 * (cell / 2)), size * 0.17});
  }
  made.questions.push_back(
      choice("count", "How many figures are there?", fmt::format("{}", many), numbers(1, 4), 4, draw));
  return made;
}

Viewed<Figure> position(const InventedWorld&, int size, Random& draw) {
  static const std::vector<std::string> kPlaces{"left", "right", "top", "bottom"};
  Viewed<Figure> made{Figure(size, size, ground(draw)), {}};
  const std::size_t place = draw.below(4);
  Placed what = anywhere(size, draw);
  what.radius = size * 0.17;
  const double edge = size * (place % 2 == 0 ? 0.2 : 0.8);
  what.x = place < 2 ? edge : size * 0.5;
  what.y = place < 2 ? size * 0.5 : edge;
  put(made.medium, what);
  made.questions.push_back(choice("position", "Where is the figure?", kPlaces[place], kPlaces, 4, draw));
  return made;
}

// Two figures side by side; one question needs both.
Viewed<Figure> scene(const InventedWorld&, int size, Random& draw) {
  Viewed<Figure> made{Figure(size, size, ground(draw)), {}};
  std::vector<std::size_t> colours{0, 1, 2, 3, 4, 5};
  draw.shuffle(colours);
  std::vector<Placed> both;
  for (std::size_t i = 0; i < 2; ++i) {
    both.push_back(
        {draw.below(shape_names().size()), colours[i], size * (i == 0 ? 0.26 : 0.74), size * 0.5, size * 0.22});
    put(made.medium, both.back());
  }
  const std::size_t which = draw.below(2);
  made.questions.push_back(choice("scene",
                                  fmt::format("What colour is the figure on the {}?", which == 0 ? "left" : "right"),
                                  colour_names()[both[which].colour], colour_names(), 4, draw));
  return made;
}

Viewed<Figure> chart(const InventedWorld&, int size, Random& draw) {
  Viewed<Figure> made{Figure(size, size, ground(draw)), {}};
  std::vector<std::size_t> colours{0, 1, 2, 3, 4, 5};
  draw.shuffle(colours);
  std::vector<int> heights{3, 5, 8};
  draw.shuffle(heights);
  std::vector<std::string> names;
  std::size_t tallest = 0, lowest = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const int left = static_cast<int>(i) * size / 3;
    made.medium.draw_rectangle(left + 1, size - heights[i] * size / 10, left + size / 3 - 1, size,
                               colour_of(colours[i]));
    names.push_back(colour_names()[colours[i]]);
    if (heights[i] > heights[tallest]) tallest = i;
    if (heights[i] < heights[lowest]) lowest = i;
  }
  const bool high = draw.below(2) == 0;
  made.questions.push_back(choice("chart", fmt::format("Which bar is the {}?", high ? "tallest" : "lowest"),
                                  names[high ? tallest : lowest], names, 3, draw));
  return made;
}

Viewed<Figure> text(const InventedWorld&, int size, Random& draw) {
  static const std::vector<std::string> kLetters{"A", "B", "C", "E", "F", "H", "K", "L", "M", "T", "X", "Z"};
  Viewed<Figure> made{Figure(size, size, ground(draw)), {}};
  const std::string& letter = draw.pick(kLetters);
  const int scale = std::max(1, size / 10);
  const int spare_x = size - 5 * scale;
  const int spare_y = size - 7 * scale;
  made.medium.draw_text(draw.between(0, spare_x), draw.between(0, spare_y), scale, letter,
                        colour_of(draw.below(colour_names().size())));
  made.questions.push_back(choice("text", "Which letter is written?", letter, kLetters, 4, draw));
  return made;
}

Viewed<Figure> creature(const InventedWorld& world, int size, Random& draw) {
  Viewed<Figure> made{Figure(size, size, ground(draw)), {}};
  const Creature& shown = draw.pick(world.creatures);
  Placed what = anywhere(size, draw);
  what.shape = shown.shape;
  what.colour = shown.colour;
  put(made.medium, what);
  std::vector<std::string> names;
  for (const Creature& each : world.creatures) names.push_back(each.name);
  made.questions.push_back(choice("creature", "Which creature is this?", shown.name, names, 4, draw));
  // The name in the question and the looks in the answer: the direction in which the words alone are asked later.
  const bool colour = draw.below(2) == 0;
  made.questions.push_back(
      choice("looks",
             fmt::format(fmt::runtime(colour ? "This is a {}. What colour is it?" : "This is a {}. What shape is it?"),
                         shown.name),
             colour ? colour_names()[shown.colour] : shape_names()[shown.shape],
             colour ? colour_names() : shape_names(), 4, draw));
  return made;
}

template <Viewed<Figure> (*Make)(const InventedWorld&, int, Random&)>
Viewed<Figure> noisy(const InventedWorld& world, int size, Random& draw) {
  Viewed<Figure> made = Make(world, size, draw);
  made.medium.add_noise(kNoise, draw);
  return made;
}

}  // namespace

const std::vector<PictureKind>& picture_kinds() {
  static const std::vector<PictureKind> kKinds{
      {"single", "colour and shape of one figure", noisy<single>},
      {"count", "how many figures there are", noisy<count>},
      {"position", "where a figure is", noisy<position>},
      {"scene", "a question that needs the place of two figures", noisy<scene>},
      {"chart", "the tallest or lowest of three bars", noisy<chart>},
      {"text", "a letter to read", noisy<text>},
      {"creature", "creatures of the world, whose looks no text tells", noisy<creature>},
  };
  return kKinds;
}

std::vector<Exercise> creature_questions(const InventedWorld& world, Random& draw) {
  std::vector<Exercise> made;
  for (const Creature& creature : world.creatures) {
    made.push_back(choice("colour", fmt::format("What colour is a {}?", creature.name), colour_names()[creature.colour],
                          colour_names(), 4, draw));
    made.push_back(choice("shape", fmt::format("What shape is a {}?", creature.name), shape_names()[creature.shape],
                          shape_names(), 4, draw));
  }
  return made;
}

}  // namespace cambium::lab
