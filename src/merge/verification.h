#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cambium {
class Progress;
class Workers;
}  // namespace cambium

namespace cambium::merge {

/// Something that is not what provenance.json says.
struct VerificationDifference {
  std::string where;  ///< "output", "file", or the input model's name
  std::string name;   ///< tensor or file
  std::string found;  ///< a sentence: "hash 12.. instead of 34..", "missing" ...
};

struct VerifiedInput {
  enum class State : std::uint8_t { kSame, kDiffers, kNotThere };
  std::string model;
  State state = State::kSame;
  std::size_t tensors = 0;  ///< compared
};

struct Verification {
  std::size_t tensors = 0;  ///< of the output, compared
  std::size_t files = 0;
  std::vector<VerifiedInput> inputs;
  std::vector<VerificationDifference> differences;
};

/// Hashes the tensors and files of a merged folder anew, and those of its inputs where these still are where the recipe
/// says (relative to the working directory, as recipes are), and compares with provenance.json.
///
/// @param inputs  look at the inputs, too
/// @throws CheckpointError  no or malformed provenance.json, a damaged checkpoint
/// Cost: reads everything once.
[[nodiscard]] Verification verify_output(const std::filesystem::path& folder, bool inputs, Workers& workers,
                                         Progress& progress);

}  // namespace cambium::merge
