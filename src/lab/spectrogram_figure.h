#pragma once

#include "lab/figure.h"
#include "lab/sound.h"

namespace cambium::lab {

/// The log-mel spectrogram of a one-second sound as a square grey picture, low tones below: what a tower that takes
/// pictures can hear.
[[nodiscard]] Figure spectrogram_figure(const Sound& sound, int size);

}  // namespace cambium::lab
