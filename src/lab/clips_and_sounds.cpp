#include <fmt/format.h>

#include <cmath>

#include "lab/media_exercises.h"
#include "lab/skill.h"

namespace cambium::lab {
namespace {

Exercise choice(std::string topic, std::string question, const std::string& right, const std::vector<std::string>& all,
                Random& draw) {
  Exercise made;
  made.topic = std::move(topic);
  made.question = std::move(question);
  set_choices(made, right, all, all.size(), draw);
  made.answer = made.target = right;
  return made;
}

Viewed<std::vector<Figure>> motion(int size, int frames, Random& draw) {
  static const std::vector<std::string> kWays{"left", "right", "up", "down"};
  const std::size_t way = draw.below(4);
  const std::size_t shape = draw.below(shape_names().size());
  const Rgb colour = colour_of(draw.below(colour_names().size()));
  const double across = size * (0.3 + 0.4 * draw.unit());
  Viewed<std::vector<Figure>> made;
  for (int i = 0; i < frames; ++i) {
    const double share = frames == 1 ? 0.5 : static_cast<double>(i) / (frames - 1);
    const double along = size * (0.2 + 0.6 * (way % 2 == 1 ? share : 1 - share));
    Figure& frame = made.medium.emplace_back(size, size, Rgb{24, 24, 24});
    frame.draw_shape(shape, way < 2 ? along : across, way < 2 ? across : along, size * 0.17, colour);
  }
  made.questions.push_back(choice("motion", "Which way does the figure move?", kWays[way], kWays, draw));
  return made;
}

Viewed<std::vector<Figure>> order(int size, int frames, Random& draw) {
  std::vector<std::size_t> colours{0, 1, 2, 3, 4, 5};
  draw.shuffle(colours);
  const std::size_t shape = draw.below(shape_names().size());
  Viewed<std::vector<Figure>> made;
  for (int i = 0; i < frames; ++i) {
    Figure& frame = made.medium.emplace_back(size, size, Rgb{24, 24, 24});
    frame.draw_shape(shape, size * 0.5, size * 0.5, size * 0.27, colour_of(colours[i < frames / 2 ? 0 : 1]));
  }
  const bool first = draw.below(2) == 0;
  made.questions.push_back(choice(
      "order", fmt::format("Which colour comes {}?", first ? "first" : "last"), colour_names()[colours[first ? 0 : 1]],
      {colour_names()[colours[0]], colour_names()[colours[1]], colour_names()[colours[2]], colour_names()[colours[3]]},
      draw));
  return made;
}

}  // namespace

Viewed<std::vector<Figure>> make_clip(int size, int frames, Random& draw) {
  return draw.below(2) == 0 ? motion(size, frames, draw) : order(size, frames, draw);
}

Viewed<Sound> make_sound(Random& draw) {
  Viewed<Sound> made;
  Sound& sound = made.medium;
  const double pitch = 300.0 * std::pow(2.0, 0.2 * draw.unit());
  switch (draw.below(4)) {
    case 0: {
      static const std::vector<std::string> kPitches{"low", "middle", "high"};
      const std::size_t which = draw.below(3);
      const double hertz = pitch * std::pow(2.5, static_cast<double>(which) - 1);
      sound.add_silence(0.2);
      sound.add_tone(0.6, hertz, hertz);
      made.questions.push_back(choice("pitch", "How high is the tone?", kPitches[which], kPitches, draw));
      break;
    }
    case 1: {
      const int many = draw.between(1, 4);
      for (int i = 0; i < many; ++i) {
        sound.add_silence(0.08);
        sound.add_tone(0.14, pitch, pitch);
      }
      made.questions.push_back(
          choice("number", "How many tones are there?", fmt::format("{}", many), {"1", "2", "3", "4"}, draw));
      break;
    }
    case 2: {
      static const std::vector<std::string> kWays{"rising", "falling", "level"};
      const std::size_t way = draw.below(3);
      sound.add_silence(0.1);
      sound.add_tone(0.7, way == 1 ? 2 * pitch : pitch, way == 0 ? 2 * pitch : pitch);
      made.questions.push_back(choice("contour", "How does the tone go?", kWays[way], kWays, draw));
      break;
    }
    default: {
      static const std::vector<std::string> kRhythms{"short short long", "long short short", "short long short"};
      const std::size_t rhythm = draw.below(3);
      const std::size_t longest = rhythm == 0 ? 2 : rhythm == 1 ? 0 : 1;
      for (std::size_t i = 0; i < 3; ++i) {
        sound.add_silence(0.06);
        sound.add_tone(i == longest ? 0.36 : 0.12, pitch, pitch);
      }
      made.questions.push_back(choice("rhythm", "What is the rhythm?", kRhythms[rhythm], kRhythms, draw));
    }
  }
  // One second in all, so that every sound makes as many tokens.
  sound.add_silence(1.0 - static_cast<double>(sound.samples().size()) / Sound::kRate);
  sound.add_noise(0.01, draw);
  return made;
}

}  // namespace cambium::lab
