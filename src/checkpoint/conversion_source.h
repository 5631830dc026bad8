#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/gguf_model.h"
#include "checkpoint/json.h"
#include "checkpoint/model_folder.h"
#include "checkpoint/weight_source.h"

namespace cambium::checkpoint {

/// The model that a conversion writes: tensors to be had piece by piece, and the files beside them.
class ConversionSource {
 public:
  virtual ~ConversionSource() = default;
  /// As they are written, sorted by name.
  [[nodiscard]] virtual const std::vector<TensorInfo>& tensors() const = 0;
  /// Pieces of this tensor begin and end at multiples of so many bytes (or at its end).
  [[nodiscard]] virtual std::size_t granule_bytes(std::size_t tensor) const = 0;
  /// Converts the bytes from `offset` on. `values` is scratch space that keeps its memory. Thread-safe.
  virtual void read(std::size_t tensor, std::uint64_t offset, std::span<std::byte> out,
                    std::vector<float>& values) const = 0;
  /// Small files by name: config.json and what is made anew.
  [[nodiscard]] virtual std::map<std::string, std::string> made_files() const = 0;
  /// Files to copy: name in the output, path.
  [[nodiscard]] virtual std::map<std::string, std::filesystem::path> copied_files() const { return {}; }
};

/// A GGUF model in Hugging Face's form.
class GgufConversion final : public ConversionSource {
 public:
  GgufConversion(GgufModel model, DType dtype, const std::string& pre_tokenizer);
  [[nodiscard]] const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  [[nodiscard]] std::size_t granule_bytes(std::size_t tensor) const override;
  void read(std::size_t tensor, std::uint64_t offset, std::span<std::byte> out,
            std::vector<float>& values) const override;
  [[nodiscard]] std::map<std::string, std::string> made_files() const override { return files_; }

 private:
  GgufModel model_;
  std::vector<TensorInfo> tensors_;
  std::map<std::string, std::string> files_;
};

/// A model folder, its weights in another type.
class FolderConversion final : public ConversionSource {
 public:
  /// @param dtype  unset: nothing but the sharding changes
  FolderConversion(ModelFolder folder, std::optional<DType> dtype);
  [[nodiscard]] const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  [[nodiscard]] std::size_t granule_bytes(std::size_t tensor) const override;
  void read(std::size_t tensor, std::uint64_t offset, std::span<std::byte> out,
            std::vector<float>& values) const override;
  [[nodiscard]] std::map<std::string, std::string> made_files() const override;
  [[nodiscard]] std::map<std::string, std::filesystem::path> copied_files() const override;

 private:
  ModelFolder folder_;
  std::optional<DType> dtype_;
  std::vector<TensorInfo> tensors_;
};

/// Sets the type of the weights in a config: "dtype" or "torch_dtype", whichever there is, there and in the configs of
/// its parts ("text_config", ...).
void set_config_dtype(Json& config, DType dtype);

}  // namespace cambium::checkpoint
