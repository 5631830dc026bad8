#pragma once

#include <optional>
#include <string>
#include <vector>

namespace cambium::merge {

/// The first paper in one line (arXiv:2412.03467): what `cambium recover` takes.
struct RecoverOptions {
  std::string base;   ///< the language model
  std::string model;  ///< the multimodal model
  double alpha = 0.05;
  double density = 1.0;
  std::string method = "recover";  ///< recover, or task_arithmetic, ties, dare_* ... with alpha as weight
  std::string scope = "tensor";    ///< tensor, model
  std::string embeddings;          ///< shared, base, model; empty: shared
  std::string dtype;
  std::vector<std::string> only, except;
  std::uint64_t seed = 0;
};

/// The recipe that does it, as YAML: the multimodal model is the base, the language model is added with weight alpha.
///
/// Methods other than `recover` get alpha as `weight` (as `t` where they interpolate), and density where they have one.
/// @throws UsageError  the method has nothing that alpha could be
[[nodiscard]] std::string recover_recipe(const RecoverOptions& options);

}  // namespace cambium::merge
