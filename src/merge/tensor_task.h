#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "merge/input_tensor.h"

namespace cambium::merge {

/// Numbers and switches of a method for one tensor, after filters, gradients and levels were resolved (booleans are 0
/// and 1).
using Parameters = std::map<std::string, double, std::less<>>;

/// Heads of a projection, for methods that work head by head: blocks of `rows` rows (q/k/v) or `columns` columns (o).
struct HeadBlocks {
  std::int64_t count = 0;
  std::int64_t head_dim = 0;
  bool along_columns = false;
};

struct TaskInput {
  std::shared_ptr<const InputTensor> tensor;
  Parameters parameters;
  bool is_base = false;
  std::string model;  ///< the model as the recipe names it: provenance, messages, seeds of random masks
};

/// One output tensor of a merge: everything a method needs, nothing about files or recipes.
struct TensorTask {
  std::string name;  ///< output name; with `seed` and the model it determines random masks
  Shape shape;
  std::string method;             ///< "ties", "slerp", ... as in the method table
  std::vector<TaskInput> inputs;  ///< in recipe order; the base (if any) where mergekit puts it
  Parameters parameters;          ///< shared ones: normalize, lambda, t ...
  DType compute_dtype =
      DType::kF32;  ///< inputs are rounded to it on load (mergekit's dtype); arithmetic itself is float32 or wider
  DType out_dtype = DType::kF32;
  std::optional<HeadBlocks> heads;
  std::uint64_t seed = 0;
  bool allow_nonfinite = false;
};

/// Receives the merged elements, already rounded to out_dtype. Ranges do not overlap; may be called from several
/// threads.
class OutputTensor {
 public:
  virtual ~OutputTensor() = default;
  virtual void write(std::size_t first, std::span<const std::byte> stored) = 0;
};

}  // namespace cambium::merge
