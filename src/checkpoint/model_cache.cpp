#include "checkpoint/model_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "checkpoint/foreign_text.h"
#include "checkpoint/model_folder.h"
#include "checkpoint/open_file.h"
#include "tensor/error.h"

namespace cambium::checkpoint {

namespace fs = std::filesystem;

namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_name_part(std::string_view part) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !part.empty() && part.front() != '.' && part.find("..") == std::string_view::npos &&
         std::ranges::all_of(part, allowed);
}

// A revision may have slashes in it ("refs/pr/7"), each part being a name.
bool is_revision(std::string_view text) {
  while (true) {
    const std::size_t slash = text.find('/');
    if (!is_name_part(text.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

fs::path hub_cache_folder() {
  for (const char* const name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const std::string folder = variable(name); !folder.empty()) return folder;
  }
  if (const std::string home = variable("HF_HOME"); !home.empty()) return fs::path(home) / "hub";
  if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty())
    return fs::path(cache) / "huggingface" / "hub";
  return fs::path(variable("HOME")) / ".cache" / "huggingface" / "hub";
}

std::optional<HubName> parse_hub_name(std::string_view text) {
  HubName name{.repository = {}, .revision = "main"};
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    name.revision = text.substr(at + 1);
    name.revision_given = true;
    text = text.substr(0, at);
    if (!is_revision(name.revision)) return std::nullopt;
  }
  const std::size_t slash = text.find('/');
  const bool plain = slash == std::string_view::npos
                         ? is_name_part(text)
                         : is_name_part(text.substr(0, slash)) && is_name_part(text.substr(slash + 1));
  if (!plain) return std::nullopt;
  name.repository = text;
  return name;
}

fs::path find_snapshot(const HubName& name) {
  std::string folder_name = "models--" + name.repository;
  if (const std::size_t slash = folder_name.find('/'); slash != std::string::npos) folder_name.replace(slash, 1, "--");
  const fs::path repository = hub_cache_folder() / folder_name;
  if (!fs::is_directory(repository)) {
    throw CheckpointError(
        fmt::format("model {}: there is no folder of that name, and no {} in the Hugging Face cache; download it "
                    "first, or set HF_HOME",
                    quote_foreign(name.repository), repository.string()));
  }
  const fs::path snapshots = repository / "snapshots";
  const fs::path reference = repository / "refs" / name.revision;
  std::string hash = name.revision;
  if (fs::is_regular_file(reference)) {
    hash = trimmed(read_file(reference, 4096));
    if (!is_name_part(hash)) throw CheckpointError(fmt::format("{} holds no commit hash", reference.string()));
  }
  if (fs::is_directory(snapshots / hash)) return snapshots / hash;
  const std::vector<std::string> there = names_in(snapshots);
  std::vector<std::string> matching;
  std::ranges::copy_if(there, std::back_inserter(matching),
                       [&](const std::string& snapshot) { return hash.size() >= 7 && snapshot.starts_with(hash); });
  if (matching.size() == 1) return snapshots / matching.front();
  throw CheckpointError(fmt::format(
      "model {}: the Hugging Face cache has no revision {} (looked for {} and {}); it has {}",
      quote_foreign(name.repository), quote_foreign(name.revision), reference.string(), (snapshots / hash).string(),
      there.empty() ? "no snapshot" : fmt::format("{}", fmt::join(there, ", "))));
}

fs::path resolve_model(std::string_view model) {
  if (model.empty()) throw CheckpointError("the name of a model is empty");
  const fs::path path(model);
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return path;
  if (fs::exists(path, ignored)) {
    throw CheckpointError(fmt::format("{} is a file, expected a model folder{}", path.string(),
                                      path.extension() == ".gguf" ? "; turn it into one with: cambium convert" : ""));
  }
  if (const std::optional<HubName> name = parse_hub_name(model)) return find_snapshot(*name);
  throw CheckpointError(fmt::format("model folder {} does not exist", quote_foreign(model, 1000)));
}

}  // namespace cambium::checkpoint
