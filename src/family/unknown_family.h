#pragma once

#include <span>

#include "family/model_description.h"

namespace cambium::family {

/// Guesses parts, roles and layers from the words in tensors' names, for models that no family file describes: enough
/// for roll-ups and filters, not to be trusted for shapes. Canonical names are the names as stored.
/// @param multimodal  names with words like "vision", "audio" or "projector" in them are not taken as language
void guess_roles(bool multimodal, std::span<TensorRole> roles);

}  // namespace cambium::family
