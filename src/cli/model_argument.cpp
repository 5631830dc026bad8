#include "cli/model_argument.h"

#include <fmt/format.h>

#include "tensor/error.h"

namespace cambium::cli {

const merge::Source& open_model(merge::SourcePool& pool, const std::string& model) {
  const auto reference = merge::ModelReference::parse(model);
  if (!reference) {
    throw UsageError(fmt::format("'{}': expected MODEL or MODEL+ADAPTER", model));
  }
  // Models given on the command line have no recipe around them.
  merge::Recipe none;
  none.file = "command line";
  return pool.open(*reference, none);
}

}  // namespace cambium::cli
