// Reads every #include "room/..." below src/ and checks it against the table of rooms in docs/architecture.md's terms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;
using Rooms = std::set<std::string>;

// Direct permissions; what a permitted room may use is permitted too.
const std::map<std::string, Rooms>& permitted() {
  static const std::map<std::string, Rooms> table{
      {"tensor", {}},
      {"checkpoint", {"tensor"}},
      {"family", {"checkpoint"}},
      {"shift", {"family"}},
      {"merge", {"family", "shift"}},
      {"text", {"checkpoint"}},
      {"media", {"tensor"}},
      {"model", {"merge", "text", "media"}},
      {"tasks", {"text"}},
      {"eval", {"model", "tasks"}},
      {"tune", {"model", "eval"}},
      {"lab", {"tune"}},
      {"study", {"lab", "report"}},
      {"report", {"tensor"}},
      {"cli", {"study"}},
  };
  return table;
}

const Rooms kMayUseTorch{"model", "eval", "tune", "lab", "study"};

Rooms closure(const std::string& room) {
  Rooms all{room};
  for (const std::string& next : permitted().at(room)) all.merge(closure(next));
  return all;
}

// "room/file.h" of an #include "..." line, or the header of an #include <...> line with a leading '<'.
std::string included(const std::string& line) {
  const auto hash = line.find_first_not_of(" \t");
  if (hash == std::string::npos || line.compare(hash, 8, "#include") != 0) return {};
  const auto open = line.find_first_of("\"<", hash);
  const auto close = line.find_first_of("\">", open + 1);
  if (open == std::string::npos || close == std::string::npos) return {};
  return (line[open] == '<' ? "<" : "") + line.substr(open + 1, close - open - 1);
}

std::vector<std::string> violations(const fs::path& source) {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(source)) {
    const fs::path& file = entry.path();
    if (file.extension() != ".h" && file.extension() != ".cpp") continue;
    const std::string room = fs::relative(file, source).begin()->string();
    if (!permitted().contains(room)) {
      found.push_back(file.string() + ": no room of that name");
      continue;
    }
    const Rooms may = closure(room);
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
      const std::string header = included(line);
      if (header.empty()) continue;
      if (header.front() == '<') {
        const bool torch = header.starts_with("<ATen/") || header.starts_with("<torch/") || header.starts_with("<c10/");
        if (torch && !kMayUseTorch.contains(room)) found.push_back(file.string() + " includes libtorch: " + header);
        continue;
      }
      const std::string other = header.substr(0, header.find('/'));
      if (permitted().contains(other) && !may.contains(other)) found.push_back(file.string() + " includes " + header);
    }
  }
  return found;
}

TEST(IncludeDirection, PointsDownwardsOnly) {
  EXPECT_THAT(violations(fs::path(CAMBIUM_SOURCE_DIR) / "src"), testing::IsEmpty());
}

TEST(IncludeDirection, SeesAnUpwardInclude) {
  const fs::path root = fs::temp_directory_path() / "cambium_include_direction";
  fs::remove_all(root);
  fs::create_directories(root / "tensor");
  std::ofstream(root / "tensor" / "bad.h") << "#include \"merge/recipe.h\"\n#include <ATen/core/Tensor.h>\n";
  EXPECT_EQ(violations(root).size(), 2U);
  fs::remove_all(root);
}

TEST(IncludeDirection, NoRoomOrFileIsNamedForNothingInParticular) {
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(CAMBIUM_SOURCE_DIR) / "src")) {
    for (const char* word : {"util", "helper", "common", "misc"}) {
      EXPECT_EQ(entry.path().filename().string().find(word), std::string::npos) << entry.path();
    }
  }
}

}  // namespace
