#include "merge/recipe_yaml.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "merge/method_table.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

// Far above any real recipe; a few lines of aliases that list each other would otherwise be walked for hours.
constexpr std::uint64_t kMaxNodes = 1'000'000;

std::optional<std::size_t> index_from(std::string_view word) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), index);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return index;
}

void set_at(YAML::Node node, std::string_view path, const YAML::Node& value, const Override& whole) {
  const auto dot = path.find('.');
  const std::string key(path.substr(0, dot));
  const bool last = dot == std::string_view::npos;
  if (node.IsSequence()) {
    const auto index = index_from(key);
    if (!index || *index >= node.size()) {
      throw UsageError(fmt::format("--set {}={}: '{}' is not a number below {}, the length of that list", whole.path,
                                   whole.value, key, node.size()));
    }
    if (last) {
      node[*index] = value;
    } else {
      set_at(node[*index], path.substr(dot + 1), value, whole);
    }
    return;
  }
  if (!node.IsMap()) {
    throw UsageError(fmt::format("--set {}={}: '{}' is asked of a single value", whole.path, whole.value, key));
  }
  if (last) {
    node[key] = value;
    return;
  }
  if (RecipeYaml::is_null(node[key])) node[key] = YAML::Node(YAML::NodeType::Map);
  set_at(node[key], path.substr(dot + 1), value, whole);
}

}  // namespace

std::string RecipeYaml::place(const YAML::Node& node) const {
  const int line = line_of(node);
  return line > 0 ? fmt::format("{} line {}", where_, line) : fmt::format("{} (--set)", where_);
}

void RecipeYaml::refuse(const YAML::Node& node, std::string_view message) const {
  throw RecipeError(fmt::format("{}: {}", place(node), message));
}

void RecipeYaml::count(const YAML::Node& node) {
  visited_ += 1 + (node.IsScalar() ? 0 : node.size());
  if (visited_ > kMaxNodes) refuse(node, "the recipe unfolds to more than a million entries");
}

std::vector<RecipeYaml::Item> RecipeYaml::items(const YAML::Node& node, std::string_view what) {
  if (!node.IsMap()) refuse(node, fmt::format("{} must be a map of keys and values", what));
  count(node);
  std::vector<Item> items;
  std::vector<YAML::Node> merged;
  std::set<std::string> seen;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) refuse(entry.first, fmt::format("a key of {} must be a word", what));
    const std::string& key = entry.first.Scalar();
    if (key == "<<") {
      if (entry.second.IsSequence()) {
        for (const auto& each : entry.second) merged.push_back(each);
      } else {
        merged.push_back(entry.second);
      }
      continue;
    }
    if (!seen.insert(key).second) refuse(entry.first, fmt::format("key '{}' is given twice in {}", key, what));
    items.push_back({key, entry.first, entry.second});
  }
  for (const YAML::Node& each : merged) {
    for (Item& item : this->items(each, what)) {
      if (seen.insert(item.key).second) items.push_back(std::move(item));
    }
  }
  return items;
}

std::vector<YAML::Node> RecipeYaml::list(const YAML::Node& node, std::string_view what) {
  if (!node.IsSequence()) refuse(node, fmt::format("{} must be a list", what));
  count(node);
  std::vector<YAML::Node> nodes;
  for (const auto& each : node) nodes.push_back(each);
  return nodes;
}

std::string RecipeYaml::word(const YAML::Node& node, std::string_view what) {
  if (!node.IsDefined() || !node.IsScalar()) refuse(node, fmt::format("{} must be a single word or number", what));
  count(node);
  return node.Scalar();
}

bool RecipeYaml::switch_value(const YAML::Node& node, std::string_view what) {
  const std::string text = word(node, what);
  const auto value = number_from_word(text, ParameterKind::kBoolean);
  if (!value) refuse(node, fmt::format("{} must be true or false, not '{}'", what, text));
  return *value != 0.0;
}

std::int64_t RecipeYaml::integer(const YAML::Node& node, std::string_view what) {
  const std::string text = word(node, what);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    refuse(node, fmt::format("{} must be a whole number, not '{}'", what, text));
  }
  return value;
}

void RecipeYaml::refuse_key(const Item& item, std::string_view what, std::span<const std::string_view> known) const {
  refuse(item.key_node, fmt::format("unknown key '{}' in {}; {}", item.key, what, nearest_names(item.key, known)));
}

void apply_overrides(YAML::Node& root, const std::vector<Override>& overrides) {
  for (const Override& each : overrides) {
    YAML::Node value;
    try {
      value = YAML::Load(each.value);
      if (value.IsScalar()) value = YAML::Node(value.Scalar());  // without the line number of a text nobody wrote
    } catch (const YAML::Exception& error) {
      throw UsageError(fmt::format("--set {}={}: the value is not YAML ({})", each.path, each.value, error.msg));
    }
    set_at(root, each.path, value, each);
  }
}

}  // namespace cambium::merge
