#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/gguf_architecture.h"
#include "checkpoint/gguf_file.h"
#include "tensor/shape.h"

namespace cambium::checkpoint {

/// The sizes that every tensor's shape follows from.
struct GgufModelSizes {
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::int64_t feed_forward = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t vocabulary = 0;  ///< rows of the embedding
};

/// A tensor under its Hugging Face name, and where its values come from.
struct GgufModelTensor {
  std::string name;
  Shape shape;
  const GgufFile* file = nullptr;
  const GgufTensor* stored = nullptr;
  GgufChange change = GgufChange::kAsStored;
  std::int64_t head_rows = 0;  ///< rows of one head, where rows are reordered by head
};

/// A language model in one GGUF file or in the parts that llama-gguf-split makes, with every tensor accounted for.
class GgufModel {
 public:
  /// @param file  the file, or any part `NAME-00001-of-0000N.gguf`
  /// @throws CheckpointError  besides what GgufFile and gguf_architecture refuse: a part is missing or does not belong;
  ///         sizes absent, not positive or different by layer; a tensor missing, unknown, of another shape than the
  ///         sizes say, or of a type that cannot be read (the first eight are named)
  explicit GgufModel(const std::filesystem::path& file);

  /// The file as the user named it.
  [[nodiscard]] const std::string& label() const { return label_; }
  [[nodiscard]] const GgufMetadata& metadata() const { return parts_.front().metadata(); }
  [[nodiscard]] const GgufArchitecture& architecture() const { return *architecture_; }
  /// Key of a number of the model: "block_count" -> "llama.block_count".
  [[nodiscard]] std::string key(std::string_view name) const { return prefix_ + std::string(name); }
  [[nodiscard]] const GgufModelSizes& sizes() const { return sizes_; }
  /// Sorted by Hugging Face name.
  [[nodiscard]] const std::vector<GgufModelTensor>& tensors() const { return tensors_; }
  [[nodiscard]] bool has(std::string_view hugging_face_name) const;
  /// Values of a constant of the rotary embedding ("rope_freqs.weight"); empty if there is none.
  [[nodiscard]] std::vector<float> rotary_constant(std::string_view gguf_name) const;

  /// Values of a tensor as Hugging Face stores it, in float32.
  /// @param first_row  of the outermost dimension; out.size() is a whole number of rows from there on
  /// Thread-safe. Cost: dequantisation, plus one copy for vectors.
  void read(const GgufModelTensor& tensor, std::int64_t first_row, std::span<float> out) const;
  /// These rows are not needed again: their pages are given back. Approximate where rows were reordered.
  void release(const GgufModelTensor& tensor, std::int64_t first_row, std::int64_t rows) const;

 private:
  void open_parts(const std::filesystem::path& file);
  void read_sizes();
  [[nodiscard]] std::int64_t layer_number(std::string_view name, std::int64_t fallback) const;
  [[nodiscard]] Shape shape_of(const GgufTensorRule& rule) const;
  void place_tensors();
  [[nodiscard]] const GgufTensor* find(std::string_view gguf_name, const GgufFile** file) const;

  std::string label_;
  std::string prefix_;
  std::vector<GgufFile> parts_;
  const GgufArchitecture* architecture_ = nullptr;
  GgufModelSizes sizes_;
  std::vector<GgufModelTensor> tensors_;
};

}  // namespace cambium::checkpoint
