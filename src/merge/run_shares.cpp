#include "merge/run_shares.h"

#include <fmt/format.h>

#include <charconv>
#include <set>
#include <string>

#include "checkpoint/journal.h"
#include "tensor/error.h"

namespace cambium::merge {

std::vector<RunShare> shares_in(const std::filesystem::path& working_folder) {
  using checkpoint::Journal;
  std::set<std::size_t> counts;
  for (const auto& entry : std::filesystem::directory_iterator(working_folder)) {
    const std::string name = entry.path().filename().string();
    constexpr std::string_view kBetween = "-of-";
    const auto at = name.rfind(kBetween);
    if (!name.starts_with(Journal::kFilePrefix) || at == std::string::npos) continue;
    std::size_t parts = 0;
    const char* first = name.data() + at + kBetween.size();
    if (std::from_chars(first, name.data() + name.size(), parts).ec != std::errc{}) continue;
    counts.insert(parts);
  }
  if (counts.empty()) return {};
  if (counts.size() > 1) {
    throw CheckpointError(
        fmt::format("{}: shares of {} and of {} machines lie there; remove the folder and let all use the "
                    "same N in --shard I/N",
                    working_folder.string(), *counts.begin(), *counts.rbegin()));
  }
  std::vector<RunShare> shares;
  for (std::size_t part = 1; part <= *counts.begin(); ++part) shares.push_back({part, *counts.begin()});
  return shares;
}

}  // namespace cambium::merge
