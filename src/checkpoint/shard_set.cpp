#include "checkpoint/shard_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string_view>

#include "checkpoint/foreign_text.h"
#include "checkpoint/json_scan.h"
#include "checkpoint/open_file.h"
#include "tensor/error.h"

namespace cambium::checkpoint {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kSuffix = ".safetensors";
constexpr std::string_view kIndexSuffix = ".safetensors.index.json";

std::vector<std::string> file_names(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with('.') && !entry.is_directory()) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

// Takes {"metadata": ..., "weight_map": {tensor: file}} without building a tree: a large mixture of experts has 100,000
// entries.
class IndexEvents final : public JsonEvents {
 public:
  explicit IndexEvents(std::string_view where) : where_(where) {}

  void key(std::string name) override {
    if (depth_ == 1) in_map_ = name == "weight_map";
    if (depth_ == 2 && in_map_) tensor_ = std::move(name);
  }
  void begin_object() override {
    if (in_map_ && depth_ == 2) refuse_entry("an object");
    if (in_map_) found = true;
    ++depth_;
  }
  void end_object() override { close(); }
  void begin_array() override {
    if (depth_ == 0) refuse("holds a list, expected an object");
    if (in_map_) refuse(depth_ == 1 ? "weight_map is a list, expected an object" : "weight_map has a list in it");
    ++depth_;
  }
  void end_array() override { close(); }
  void scalar(JsonScalar value) override {
    if (depth_ == 0) refuse(fmt::format("holds {}, expected an object", kind_of(value)));
    if (!in_map_) return;
    if (depth_ == 1) refuse(fmt::format("weight_map is {}, expected an object", kind_of(value)));
    auto* const file = std::get_if<std::string>(&value);
    if (file == nullptr) refuse_entry(kind_of(value));
    entries.emplace_back(std::move(tensor_), std::move(*file));
  }

  std::vector<std::pair<std::string, std::string>> entries;
  bool found = false;

 private:
  void close() {
    if (--depth_ == 1) in_map_ = false;
  }
  [[noreturn]] void refuse(const std::string& what) const {
    throw CheckpointError(fmt::format("{}: {}", where_, what));
  }
  [[noreturn]] void refuse_entry(std::string_view kind) const {
    refuse(fmt::format("weight_map gives {} for tensor {}, expected a file name", kind, quote_foreign(tensor_)));
  }

  std::string_view where_;
  int depth_ = 0;
  bool in_map_ = false;
  std::string tensor_;
};

// Links are followed (the hub's cache is made of them), but no name may lead out of the folder by itself.
void check_file_name(const std::string& file, std::string_view where, std::string_view tensor) {
  const fs::path path(file);
  const auto refuse = [&](std::string_view why) {
    throw CheckpointError(
        fmt::format("{}: tensor {} would be in {}, which {}", where, quote_foreign(tensor), quote_foreign(file), why));
  };
  if (file.empty() || !is_plain_text(file)) refuse("is not a file name");
  if (path.is_absolute() || std::ranges::find(path, fs::path("..")) != path.end())
    refuse("is outside the model's folder");
  if (!file.ends_with(kSuffix)) refuse("is not a safetensors file");
}

ShardSet read_index(const fs::path& folder, const std::string& index_file) {
  const std::string where = (folder / index_file).string();
  IndexEvents events(where);
  scan_json(read_file(where), where, JsonLimits{}, events);
  if (!events.found) throw CheckpointError(fmt::format("{}: no weight_map in it", where));
  if (events.entries.empty()) throw CheckpointError(fmt::format("{}: weight_map is empty", where));
  ShardSet set;
  set.index_file = index_file;
  std::map<std::string, std::size_t> numbers;
  for (const auto& [tensor, file] : events.entries) {
    const auto [place, fresh] = numbers.try_emplace(file, 0);
    if (!fresh) continue;
    check_file_name(file, where, tensor);
    if (!fs::exists(folder / file)) {
      throw CheckpointError(
          fmt::format("{}: tensor {} should be in {}, which is missing; download the model completely", where,
                      quote_foreign(tensor), quote_foreign(file)));
    }
  }
  for (auto& [file, number] : numbers) {
    number = set.files.size();
    set.files.push_back(file);
  }
  set.index.reserve(events.entries.size());
  for (auto& [tensor, file] : events.entries) set.index.emplace_back(std::move(tensor), numbers.at(file));
  return set;
}

// NAME-00002-of-00003.safetensors: the numbers, if the file is named so.
struct Part {
  std::string name;
  std::size_t number = 0;
  std::string count;
};
std::optional<Part> part_of(std::string_view file) {
  file.remove_suffix(kSuffix.size());
  const std::size_t of = file.rfind("-of-");
  const std::size_t dash = of == std::string_view::npos || of == 0 ? of : file.rfind('-', of - 1);
  if (of == std::string_view::npos || dash == std::string_view::npos) return std::nullopt;
  Part part{.name = std::string(file.substr(0, dash)), .count = std::string(file.substr(of + 4))};
  const auto parsed = std::from_chars(file.data() + dash + 1, file.data() + of, part.number);
  if (parsed.ec != std::errc{} || parsed.ptr != file.data() + of) return std::nullopt;
  return part;
}

// Without an index, the names alone tell that a download is incomplete.
void check_parts(const fs::path& folder, const std::vector<std::string>& files) {
  std::map<std::pair<std::string, std::string>, std::set<std::size_t>> found;
  for (const std::string& file : files) {
    if (const std::optional<Part> part = part_of(file)) found[{part->name, part->count}].insert(part->number);
  }
  for (const auto& [name, numbers] : found) {
    std::size_t count = 0;
    std::from_chars(name.second.data(), name.second.data() + name.second.size(), count);
    if (count == 0 || count > 100'000) continue;
    for (std::size_t number = 1; number <= count; ++number) {
      if (numbers.contains(number)) continue;
      throw CheckpointError(fmt::format(
          "{}: {}-{:0{}}-of-{}{} is missing ({} of {} such files are there); download the model completely",
          folder.string(), name.first, number, name.second.size(), name.second, kSuffix, numbers.size(), count));
    }
  }
}

}  // namespace

void refuse_pickles(const fs::path& folder, const std::string& example) {
  const std::string pattern = (folder / ("*" + fs::path(example).extension().string())).string();
  throw CheckpointError(fmt::format(
      "{}: the weights are in Python pickles ({}), which can run code when read and are not opened; convert them with: "
      "python3 -c \"import glob, torch; from safetensors.torch import save_file; "
      "[save_file({{k: v.clone().contiguous() for k, v in torch.load(f, map_location='cpu', "
      "weights_only=True).items()}}, "
      "f.rsplit('.', 1)[0] + '.safetensors', {{'format': 'pt'}}) for f in glob.glob('{}')]\"",
      folder.string(), example, pattern));
}

std::optional<ShardSet> find_shards(const fs::path& folder) {
  const std::vector<std::string> names = file_names(folder);
  std::vector<std::string> indexes;
  ShardSet set;
  for (const std::string& name : names) {
    if (name.ends_with(kIndexSuffix)) indexes.push_back(name);
    if (name.ends_with(kSuffix)) set.files.push_back(name);
  }
  if (const auto usual = std::ranges::find(indexes, "model.safetensors.index.json"); usual != indexes.end()) {
    return read_index(folder, *usual);
  }
  for (const char* const usual : {"model.safetensors", "adapter_model.safetensors"}) {
    if (!std::ranges::binary_search(set.files, usual)) continue;
    set.files = {usual};
    return set;
  }
  if (indexes.size() > 1) {
    throw CheckpointError(fmt::format("{}: several indexes ({}) and none is model.safetensors.index.json",
                                      folder.string(), fmt::join(indexes, ", ")));
  }
  if (indexes.size() == 1) return read_index(folder, indexes.front());
  if (!set.files.empty()) {
    check_parts(folder, set.files);
    return set;
  }
  for (const std::string& name : names) {
    const std::string extension = fs::path(name).extension().string();
    const bool weights = extension == ".pth" || extension == ".pt" || extension == ".bin" || extension == ".ckpt";
    if (weights && name != "training_args.bin") refuse_pickles(folder, name);
    if (extension == ".gguf") {
      throw CheckpointError(
          fmt::format("{}: the weights are a GGUF file; turn it into a folder with: cambium convert {} -o OUT",
                      folder.string(), (folder / name).string()));
    }
  }
  return std::nullopt;
}

}  // namespace cambium::checkpoint
