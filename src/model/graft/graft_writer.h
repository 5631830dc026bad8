#pragma once

#include <filesystem>

#include "model/graft/graft_file.h"
#include "model/graft_run.h"

namespace cambium::model {

/// Makes the multimodal model that a graft file describes, as a new folder: weights in one type, config, tokenizer,
/// chat template, processor files. With pictures alone it is a `llava` checkpoint that transformers loads. Same file,
/// same bytes.
/// @throws SystemError      the folder exists, disk full
/// @throws CheckpointError  sizes that do not fit, tensors that a tower lacks (all named)
/// Cost: each tensor is copied once; memory is that of the largest.
[[nodiscard]] GraftReport write_graft(const GraftFile& file, const std::filesystem::path& out);

}  // namespace cambium::model
