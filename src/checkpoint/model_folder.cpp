#include "checkpoint/model_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "checkpoint/foreign_text.h"
#include "checkpoint/shard_set.h"
#include "tensor/error.h"

namespace cambium::checkpoint {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kTemplateFolder = "additional_chat_templates";

constexpr std::size_t kReleaseBytes = std::size_t{1} << 16;

// Files of a model besides config and weights are of these kinds ...
constexpr std::string_view kCompanionExtensions[] = {".json",     ".jinja", ".txt", ".model",
                                                     ".tiktoken", ".py",    ".bpe", ".spm"};
// ... except what tells how the model was made.
constexpr std::string_view kNotCompanions[] = {"config.json",       "adapter_config.json", "trainer_state.json",
                                               "provenance.json",   "all_results.json",    "train_results.json",
                                               "eval_results.json", "requirements.txt"};

bool is_companion(const std::string& name) {
  const std::string extension = fs::path(name).extension().string();
  return !name.starts_with('.') && !name.starts_with("README") && !name.ends_with(".index.json") &&
         std::ranges::find(kCompanionExtensions, extension) != std::end(kCompanionExtensions) &&
         std::ranges::find(kNotCompanions, name) == std::end(kNotCompanions);
}

std::vector<std::string> find_companions(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && is_companion(name)) names.push_back(name);
    if (entry.is_directory() && name == kTemplateFolder) {
      for (const auto& extra : fs::directory_iterator(entry.path())) {
        const std::string inner = extra.path().filename().string();
        if (extra.is_regular_file() && is_companion(inner)) names.push_back(name + "/" + inner);
      }
    }
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

struct ModelFolder::Impl {
  fs::path path;
  std::string label;
  Json config = Json::object();
  std::vector<std::string> companions;
  std::vector<SafetensorsFile> shards;
  std::vector<TensorInfo> tensors;
  std::vector<Place> places;  // of tensors, in their order
  std::uint64_t bytes = 0;
  std::uint64_t parameters = 0;

  void open_shards(const ShardSet& set);
  void check_index(const ShardSet& set) const;
  [[nodiscard]] const Place* find(std::string_view name) const;
};

void ModelFolder::Impl::open_shards(const ShardSet& set) {
  shards.reserve(set.files.size());
  for (const std::string& file : set.files) shards.emplace_back(path / file);
  for (const SafetensorsFile& shard : shards) {
    for (const StoredTensor& tensor : shard.tensors()) places.push_back({.shard = &shard, .tensor = &tensor});
  }
  std::ranges::sort(places, {}, [](const Place& place) -> const std::string& { return place.tensor->name; });
  const auto twice = std::ranges::adjacent_find(
      places, [](const Place& a, const Place& b) { return a.tensor->name == b.tensor->name; });
  if (twice != places.end()) {
    throw CheckpointError(fmt::format("{}: tensor {} is in two files, {} and {}", path.string(),
                                      quote_foreign(twice->tensor->name), twice->shard->path().filename().string(),
                                      std::next(twice)->shard->path().filename().string()));
  }
  tensors.reserve(places.size());
  for (const Place& place : places) {
    tensors.push_back(*place.tensor);
    bytes += place.tensor->bytes();
    parameters += numel(place.tensor->shape);
  }
  check_index(set);
}

void ModelFolder::Impl::check_index(const ShardSet& set) const {
  for (const auto& [tensor, file] : set.index) {
    const Place* const place = find(tensor);
    if (place != nullptr && place->shard == &shards[file]) continue;
    throw CheckpointError(fmt::format(
        "{}: tensor {} should be in {}, but {}", (path / set.index_file).string(), quote_foreign(tensor),
        set.files[file],
        place == nullptr ? "that file does not have it" : "it is in " + place->shard->path().filename().string()));
  }
}

const ModelFolder::Place* ModelFolder::Impl::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(
      places, name, {}, [](const Place& place) -> std::string_view { return place.tensor->name; });
  return found != places.end() && found->tensor->name == name ? &*found : nullptr;
}

ModelFolder::ModelFolder(const fs::path& folder, Options options) : impl_(std::make_unique<Impl>()) {
  impl_->path = folder;
  impl_->label = folder.string();
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw CheckpointError(fs::exists(folder, ignored)
                              ? fmt::format("{} is not a folder, expected a model folder", folder.string())
                              : fmt::format("model folder {} does not exist", folder.string()));
  }
  try {
    if (fs::exists(folder / "config.json")) {
      impl_->config = read_json(folder / "config.json");
      if (!impl_->config.is_object()) {
        throw CheckpointError(fmt::format("{}: holds {}, expected an object", (folder / "config.json").string(),
                                          impl_->config.type_name()));
      }
    } else if (options.require_config) {
      throw CheckpointError(fmt::format("{}: there is no config.json; this is not a model folder", folder.string()));
    }
    if (const std::optional<ShardSet> set = find_shards(folder)) {
      impl_->open_shards(*set);
    } else if (options.require_weights) {
      throw CheckpointError(fmt::format("{}: there are no weights (*.safetensors) in this folder", folder.string()));
    }
    impl_->companions = find_companions(folder);
  } catch (const fs::filesystem_error& error) {
    throw SystemError(fmt::format("cannot read the model folder {}: {}", folder.string(), error.code().message()));
  }
}

ModelFolder ModelFolder::open(std::string_view model, Options options) {
  ModelFolder folder(resolve_model(model), options);
  folder.impl_->label = model;
  return folder;
}

ModelFolder::~ModelFolder() = default;
ModelFolder::ModelFolder(ModelFolder&&) noexcept = default;
ModelFolder& ModelFolder::operator=(ModelFolder&&) noexcept = default;

const fs::path& ModelFolder::path() const { return impl_->path; }
const Json& ModelFolder::config() const { return impl_->config; }
const std::vector<std::string>& ModelFolder::companion_files() const { return impl_->companions; }
const std::vector<SafetensorsFile>& ModelFolder::shards() const { return impl_->shards; }
std::uint64_t ModelFolder::total_bytes() const { return impl_->bytes; }
std::uint64_t ModelFolder::total_parameters() const { return impl_->parameters; }
const std::string& ModelFolder::label() const { return impl_->label; }
const std::vector<TensorInfo>& ModelFolder::tensors() const { return impl_->tensors; }

ModelFolder::Place ModelFolder::place(std::string_view name) const {
  const Place* const found = impl_->find(name);
  return found == nullptr ? Place{} : *found;
}

std::span<const std::byte> ModelFolder::mapped(std::string_view name) const {
  const Place* const found = impl_->find(name);
  return found == nullptr ? std::span<const std::byte>{} : found->shard->bytes(*found->tensor);
}

void ModelFolder::read(std::string_view name, std::span<std::byte> out) const {
  assert(impl_->find(name) == nullptr || out.size() == impl_->find(name)->tensor->bytes());
  read_range(name, 0, out);
}

void ModelFolder::read_range(std::string_view name, std::uint64_t offset, std::span<std::byte> out) const {
  const Place* const found = impl_->find(name);
  if (found == nullptr)
    throw CheckpointError(fmt::format("{}: there is no tensor {}", impl_->label, quote_foreign(name)));
  if (out.empty()) return;
  const std::span<const std::byte> bytes = found->shard->bytes(*found->tensor).subspan(offset, out.size());
  std::memcpy(out.data(), bytes.data(), bytes.size());
  // Small pieces share pages with what comes next, and cost more to give back than to keep.
  if (bytes.size() >= kReleaseBytes) found->shard->release(bytes);
}

void ModelFolder::release(std::span<const std::byte> range) const {
  // The shard that it lies in does it, the others see that it is none of theirs.
  for (const SafetensorsFile& shard : impl_->shards) shard.release(range);
}

}  // namespace cambium::checkpoint
