#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/json.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/weight_source.h"

namespace cambium::checkpoint {

/// Turns what a user wrote for MODEL into a folder: a path as it is, else `org/name` (optionally `org/name@revision`)
/// looked up in the Hugging Face cache (HF_HUB_CACHE, HF_HOME/hub, ~/.cache/huggingface/hub; refs/REV ->
/// snapshots/HASH), never on the network.
/// @throws CheckpointError  neither exists; the message lists where was looked
[[nodiscard]] std::filesystem::path resolve_model(std::string_view model);

/// A Hugging Face model folder: config, one or more safetensors shards, tokenizer and processor files.
///
/// Opening reads the headers only. Checks (CheckpointError): folder or config.json missing; config not a JSON object;
/// an index that names a missing shard, a path outside the folder, a tensor its shard lacks; a tensor in two shards;
/// only pickles (`.bin`, `.pth`) there: refused with the line that converts them. A folder without weights opens only
/// with `require_weights = false`.
class ModelFolder final : public WeightSource {
 public:
  struct Options {
    bool require_config = true;
    bool require_weights = true;
  };
  explicit ModelFolder(const std::filesystem::path& folder) : ModelFolder(folder, Options{}) {}
  ModelFolder(const std::filesystem::path& folder, Options options);
  /// resolve_model, then open; label() is what the user wrote.
  [[nodiscard]] static ModelFolder open(std::string_view model, Options options);
  [[nodiscard]] static ModelFolder open(std::string_view model) { return open(model, Options{}); }
  ~ModelFolder() override;
  ModelFolder(ModelFolder&&) noexcept;
  ModelFolder& operator=(ModelFolder&&) noexcept;

  [[nodiscard]] const std::filesystem::path& path() const;
  /// config.json as read (4.x or 5.x spelling); an empty object if there is none and none was required.
  [[nodiscard]] const Json& config() const;
  /// The files beside the weights that travel with a model: generation config, tokenizer, chat template, processor ...
  /// (names only, sorted; config.json, weights, indexes, READMEs and hidden files are not among them).
  [[nodiscard]] const std::vector<std::string>& companion_files() const;
  /// The shards, sorted by file name.
  [[nodiscard]] const std::vector<SafetensorsFile>& shards() const;
  /// Shard that holds the tensor, and its place there; null if there is no such tensor.
  struct Place {
    const SafetensorsFile* shard = nullptr;
    const StoredTensor* tensor = nullptr;
  };
  [[nodiscard]] Place place(std::string_view name) const;
  /// Sum of the tensors' bytes, and of their elements.
  [[nodiscard]] std::uint64_t total_bytes() const;
  [[nodiscard]] std::uint64_t total_parameters() const;

  [[nodiscard]] const std::string& label() const override;
  [[nodiscard]] const std::vector<TensorInfo>& tensors() const override;
  [[nodiscard]] std::span<const std::byte> mapped(std::string_view name) const override;
  void read(std::string_view name, std::span<std::byte> out) const override;
  void read_range(std::string_view name, std::uint64_t offset, std::span<std::byte> out) const override;
  [[nodiscard]] bool reads_ranges(std::string_view) const override { return true; }
  void release(std::span<const std::byte> range) const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::checkpoint
