#pragma once

#include <filesystem>
#include <vector>

#include "checkpoint/gguf_file.h"

namespace cambium::checkpoint {

/// Opens a GGUF file together with its sister files, if it is one of the parts `NAME-00001-of-0000N.gguf` that
/// llama-gguf-split makes. The first part carries the metadata.
/// @param file  any part
/// @throws CheckpointError  a part is missing, has another place in the row than its name says, or the parts together
///         do not hold as many tensors as announced
[[nodiscard]] std::vector<GgufFile> open_gguf_parts(const std::filesystem::path& file);

}  // namespace cambium::checkpoint
