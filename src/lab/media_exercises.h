#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lab/exercise.h"
#include "lab/figure.h"
#include "lab/invented_world.h"
#include "lab/random.h"
#include "lab/sound.h"

namespace cambium::lab {

/// One medium with the questions about it.
template <typename Medium>
struct Viewed {
  Medium medium;
  std::vector<Exercise> questions;
};

/// A kind of picture: a generator and its name. The medium of the questions is filled in by the writer.
struct PictureKind {
  std::string_view name;
  std::string_view what;
  Viewed<Figure> (*make)(const InventedWorld& world, int size, Random& draw) = nullptr;
};
/// colour, shape, count, position, scene, chart, text, creature. The last carries knowledge that no text of the world
/// has: what creatures look like; it has no test pictures of its own use, the question is put without picture too.
[[nodiscard]] const std::vector<PictureKind>& picture_kinds();

/// Which way a figure moves, and which of two events comes first. Frames of one clip.
[[nodiscard]] Viewed<std::vector<Figure>> make_clip(int size, int frames, Random& draw);

/// Pitch, number of tones, contour and rhythm. About one second.
[[nodiscard]] Viewed<Sound> make_sound(Random& draw);

/// Questions about the looks of creatures, put in words alone.
[[nodiscard]] std::vector<Exercise> creature_questions(const InventedWorld& world, Random& draw);

}  // namespace cambium::lab
