#include "checkpoint/gguf_parts.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

struct PartName {
  std::string stem;  // everything before "-00001-of-00003.gguf"
  std::int64_t count = 0;
};

std::optional<std::int64_t> five_digits(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.size() != 5 || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<PartName> part_name(const std::string& name) {
  constexpr std::string_view kPattern = "-00001-of-00001.gguf";
  if (name.size() < kPattern.size()) return std::nullopt;
  const std::string_view tail = std::string_view(name).substr(name.size() - kPattern.size());
  const auto number = five_digits(tail.substr(1, 5));
  const auto count = five_digits(tail.substr(10, 5));
  if (tail[0] != '-' || tail.substr(6, 4) != "-of-" || !tail.ends_with(".gguf") || !number || !count) {
    return std::nullopt;
  }
  return PartName{name.substr(0, name.size() - kPattern.size()), *count};
}

}  // namespace

std::vector<GgufFile> open_gguf_parts(const std::filesystem::path& file) {
  std::vector<GgufFile> parts;
  parts.emplace_back(file);
  const std::int64_t count = parts.front().metadata().integer("split.count").value_or(1);
  if (count <= 1) return parts;

  const auto name = part_name(file.filename().string());
  if (!name || name->count != count) {
    throw CheckpointError(
        fmt::format("{}: is one of {} parts, but its name does not end in -0000N-of-{:05}.gguf; give the "
                    "parts their names back",
                    file.string(), count, count));
  }
  parts.clear();
  std::int64_t tensors = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::filesystem::path path =
        file.parent_path() / fmt::format("{}-{:05}-of-{:05}.gguf", name->stem, i + 1, count);
    if (!std::filesystem::exists(path)) {
      throw CheckpointError(fmt::format("{}: is missing; it is part {} of {}", path.string(), i + 1, count));
    }
    const GgufFile& part = parts.emplace_back(path);
    const std::int64_t number = part.metadata().required_integer("split.no");
    const std::int64_t of = part.metadata().required_integer("split.count");
    if (number != i || of != count) {
      throw CheckpointError(fmt::format("{}: says that it is part {} of {}, expected {} of {}", path.string(),
                                        number + 1, of, i + 1, count));
    }
    tensors += static_cast<std::int64_t>(part.tensors().size());
  }
  const auto announced = parts.front().metadata().integer("split.tensors.count");
  if (announced && *announced != tensors) {
    throw CheckpointError(fmt::format("{}: announces {} tensors in {} parts, but they hold {}",
                                      parts.front().path().string(), *announced, count, tensors));
  }
  return parts;
}

}  // namespace cambium::checkpoint
