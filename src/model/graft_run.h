#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cambium::model {

/// `cambium graft`.
struct GraftOptions {
  std::string file, out;
};

/// What was made.
struct GraftReport {
  std::string model_type;  ///< "llava" for pictures alone, else "cambium_graft"
  std::string dtype;
  struct Part {
    std::string modality, token;
    std::int64_t token_id = 0;
    std::int64_t tokens = 0;  ///< that one item takes in a prompt
    std::uint64_t tower_parameters = 0, projector_parameters = 0;
    bool fresh_tower = false, fresh_projector = false;
  };
  std::vector<Part> parts;
  std::uint64_t language_parameters = 0;
  std::int64_t added_rows = 0;  ///< of the embedding
};

}  // namespace cambium::model

extern "C" void cambium_graft(const cambium::model::GraftOptions& options, cambium::model::GraftReport& report);
