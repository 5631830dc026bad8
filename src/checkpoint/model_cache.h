#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace cambium::checkpoint {

/// The Hugging Face hub's cache on this machine: HF_HUB_CACHE, else HF_HOME/hub, else XDG_CACHE_HOME/huggingface/hub,
/// else
/// ~/.cache/huggingface/hub. Layout: models--ORG--NAME/refs/REVISION holds a hash, models--ORG--NAME/snapshots/HASH the
/// files.
[[nodiscard]] std::filesystem::path hub_cache_folder();

/// `org/name`, `name` or either with `@revision`.
struct HubName {
  std::string repository;  ///< "org/name"
  std::string revision;    ///< "main" if not given: a branch, a tag, or a commit hash (or its first 7 or more digits)
  bool revision_given = false;
};
/// The parts, or nothing if the text cannot be such a name.
[[nodiscard]] std::optional<HubName> parse_hub_name(std::string_view text);

/// Folder of the snapshot. @throws CheckpointError  not in the cache; the message tells what was looked for, and what
/// there is
[[nodiscard]] std::filesystem::path find_snapshot(const HubName& name);

}  // namespace cambium::checkpoint
