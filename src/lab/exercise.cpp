#include "lab/exercise.h"

#include "lab/random.h"

namespace cambium::lab {

Side side_of(const std::string& key, std::uint64_t seed, std::uint64_t one_in) {
  return text_bits(key, seed) % one_in == 0 ? Side::kTest : Side::kTrain;
}

}  // namespace cambium::lab
