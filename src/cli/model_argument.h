#pragma once

#include <string>

#include "merge/source_pool.h"

namespace cambium::cli {

/// Opens a MODEL argument: a folder, org/name in the Hugging Face cache, a recipe (`.yml`, merged when its tensors are
/// read), or one of them with `+ADAPTER`. The pool keeps it.
/// @throws UsageError  the text is empty or names several adapters; else as merge::SourcePool::open
[[nodiscard]] const merge::Source& open_model(merge::SourcePool& pool, const std::string& model);

}  // namespace cambium::cli
