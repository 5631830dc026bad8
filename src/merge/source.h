#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "checkpoint/json.h"
#include "checkpoint/vocabulary.h"
#include "checkpoint/weight_source.h"
#include "family/alignment.h"
#include "family/model_description.h"
#include "merge/recipe.h"

namespace cambium::merge {

class VirtualMerge;

/// A small file that travels with a model: copied from a path, or of given contents.
struct CompanionFile {
  std::string name;
  std::filesystem::path path;           ///< where to copy it from; empty: see contents
  std::optional<std::string> contents;  ///< what to write
  /// @throws SystemError  the file cannot be read
  [[nodiscard]] std::string read() const;
};

/// One input model of a merge, opened: headers and small files only.
class Source {
 public:
  /// @param computed  the merge behind `weights` if the model is a recipe, else null
  /// @param adapted   the model that `weights` adds an adapter to, else null; it must outlive this
  Source(ModelReference reference, std::shared_ptr<const checkpoint::WeightSource> weights, checkpoint::Json config,
         std::vector<CompanionFile> companions, std::vector<std::filesystem::path> files,
         std::shared_ptr<const VirtualMerge> computed, const Source* adapted = nullptr);

  [[nodiscard]] const ModelReference& reference() const { return reference_; }
  /// As the recipe names it.
  [[nodiscard]] const std::string& label() const { return label_; }
  [[nodiscard]] const checkpoint::WeightSource& weights() const { return *weights_; }
  [[nodiscard]] const checkpoint::Json& config() const { return config_; }
  [[nodiscard]] const family::ModelDescription& description() const { return description_; }
  [[nodiscard]] const std::vector<CompanionFile>& companions() const { return companions_; }
  /// The files that hold the weights (an adapter's: those of adapted() not among them); none if they are computed.
  [[nodiscard]] const std::vector<std::filesystem::path>& files() const { return files_; }
  [[nodiscard]] const CompanionFile* companion(std::string_view name) const;
  [[nodiscard]] const VirtualMerge* computed() const { return computed_.get(); }
  /// The model under an adapter, or null.
  [[nodiscard]] const Source* adapted() const { return adapted_; }
  /// The tokens of tokenizer.json, read when first asked for; null if there is none. Thread-safe.
  [[nodiscard]] const checkpoint::Vocabulary* vocabulary() const;
  /// A tensor by its canonical name, or null. Cost: O(1).
  [[nodiscard]] const family::TensorRole* find_canonical(std::string_view canonical) const;
  [[nodiscard]] family::AlignmentSide side() const;

 private:
  ModelReference reference_;
  std::string label_;
  std::shared_ptr<const checkpoint::WeightSource> weights_;
  checkpoint::Json config_;
  family::ModelDescription description_;
  std::vector<CompanionFile> companions_;
  std::vector<std::filesystem::path> files_;
  std::shared_ptr<const VirtualMerge> computed_;
  const Source* adapted_ = nullptr;
  std::unordered_map<std::string_view, const family::TensorRole*> canonical_;
  mutable std::once_flag vocabulary_read_;
  mutable std::optional<checkpoint::Vocabulary> vocabulary_;
};

}  // namespace cambium::merge
