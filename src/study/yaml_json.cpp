#include "study/yaml_json.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <charconv>

#include "checkpoint/text_file.h"
#include "tensor/error.h"

namespace cambium::study {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostNodes = 200'000;

class Converter {
 public:
  Converter(std::string_view where, std::map<std::string, int>& places) : where_(where), places_(places) {}

  Json convert(const YAML::Node& node, const std::string& path) {
    // Aliases make a tree of what is a graph: a few lines could unfold without end.
    if (++nodes_ > kMostNodes) {
      throw RecipeError(fmt::format("{}: more than {} values; are there aliases within aliases?", where_, kMostNodes));
    }
    if (node.Mark().line >= 0) places_.try_emplace(path, node.Mark().line + 1);
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return node.Tag() == "!" ? Json(node.Scalar()) : typed_scalar(node.Scalar());
      case YAML::NodeType::Sequence: {
        Json list = Json::array();
        for (std::size_t i = 0; i < node.size(); ++i) list.push_back(convert(node[i], fmt::format("{}.{}", path, i)));
        return list;
      }
      case YAML::NodeType::Map: {
        Json map = Json::object();
        for (const auto& item : node) {
          if (!item.first.IsScalar()) {
            throw RecipeError(fmt::format("{} line {}: a key must be a word", where_, item.first.Mark().line + 1));
          }
          const std::string key = item.first.Scalar();
          if (map.contains(key)) {
            throw RecipeError(
                fmt::format("{} line {}: '{}' stands here twice", where_, item.first.Mark().line + 1, key));
          }
          const std::string below = path.empty() ? key : path + "." + key;
          places_[below] = item.first.Mark().line + 1;
          map[key] = convert(item.second, below);
        }
        return map;
      }
      default:
        return nullptr;
    }
  }

 private:
  std::string where_;
  std::map<std::string, int>& places_;
  std::size_t nodes_ = 0;
};

}  // namespace

Json typed_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null") return nullptr;
  if (text == "true") return true;
  if (text == "false") return false;
  std::int64_t whole = 0;
  const char* end = text.data() + text.size();
  if (const auto [at, error] = std::from_chars(text.data(), end, whole); error == std::errc() && at == end)
    return whole;
  double number = 0;
  const bool numeric = text.find_first_not_of("+-.0123456789eE") == std::string::npos &&
                       text.find_first_of("0123456789") != std::string::npos;
  if (numeric) {
    if (const auto [at, error] = std::from_chars(text.data(), end, number); error == std::errc() && at == end)
      return number;
  }
  return text;
}

int YamlJson::line(std::string path) const {
  for (;;) {
    if (const auto found = places.find(path); found != places.end()) return found->second;
    const auto dot = path.rfind('.');
    if (dot == std::string::npos) return 0;
    path.resize(dot);
  }
}

YamlJson yaml_to_json(std::string_view text, std::string_view where) {
  YamlJson result;
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    if (!root.IsMap()) throw RecipeError(fmt::format("{}: expected a mapping (key: value)", where));
    result.value = Converter(where, result.places).convert(root, "");
  } catch (const YAML::Exception& error) {
    throw RecipeError(fmt::format("{} line {}: {}", where, error.mark.line + 1, error.msg));
  }
  return result;
}

YamlJson read_yaml_json(const std::filesystem::path& file) {
  return yaml_to_json(checkpoint::read_text(file), file.string());
}

}  // namespace cambium::study
