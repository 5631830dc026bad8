#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/content_hash.h"
#include "checkpoint/json.h"
#include "checkpoint/weight_source.h"
#include "merge/recipe.h"
#include "merge/source.h"
#include "merge/tensor_task.h"

namespace cambium::merge {

struct VirtualMergeOptions {
  unsigned threads = 0;  ///< 0: all CPUs
  std::size_t memory_bytes = std::size_t{256} << 20;
  bool truncate_embeddings = false;
  bool allow_nonfinite = false;
};

/// A recipe as a model: no checkpoint is written, each tensor is merged when it is asked for.
///
/// Opening reads configs and headers. The recipe must come out as one model (`emit: each` does not).
class VirtualMerge final : public checkpoint::WeightSource {
 public:
  /// @throws what parse_recipe, opening models and planning throw
  explicit VirtualMerge(Recipe recipe, const VirtualMergeOptions& options = {});
  /// A recipe file, with `path=value` overrides.
  [[nodiscard]] static std::unique_ptr<VirtualMerge> open(std::string_view file,
                                                          const std::vector<Override>& overrides = {},
                                                          const VirtualMergeOptions& options = {});
  ~VirtualMerge() override;

  /// config.json of the merged model.
  [[nodiscard]] const checkpoint::Json& config() const;
  /// Its tokenizer, chat template, processor files ...
  [[nodiscard]] const std::vector<CompanionFile>& companions() const;
  /// A hash of all that decides the values (plan_identity.h).
  [[nodiscard]] checkpoint::ContentHash identity() const;
  /// Remarks of recipe and plan.
  [[nodiscard]] const std::vector<std::string>& notes() const;

  [[nodiscard]] const std::string& label() const override;
  [[nodiscard]] const std::vector<checkpoint::TensorInfo>& tensors() const override;
  /// The input's bytes where the recipe copies a tensor as it is (a vision tower that is carried), else empty.
  [[nodiscard]] std::span<const std::byte> mapped(std::string_view name) const override;
  /// Merges the tensor into `out`. Thread-safe; calls wait for each other, each uses all threads.
  void read(std::string_view name, std::span<std::byte> out) const override;
  /// Merges the tensor piece by piece into `out`: memory stays bounded.
  void stream(std::string_view name, OutputTensor& out) const;

  /// Changes the recipe (`parameters.alpha`, `0.1`) and plans anew; inputs stay open and mapped.
  /// @return  the tensors whose values may be others now, sorted by name; shapes and types never change
  /// @throws RecipeError  as parse_recipe, or when the change would give other tensors than before; the merge is then
  /// as it was
  [[nodiscard]] std::vector<std::string> set(std::string_view path, std::string_view value);
  /// Several settings at once: (path, value) in this order.
  [[nodiscard]] std::vector<std::string> set(const std::vector<std::pair<std::string, std::string>>& settings);

 private:
  friend class SourcePool;
  VirtualMerge(Recipe recipe, std::vector<std::string> recipes_above, const VirtualMergeOptions& options);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::merge
