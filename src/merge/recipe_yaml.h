#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "merge/recipe.h"

namespace cambium::merge {

/// Reading a recipe's YAML with messages that name file and line. Bounds the work on aliases that refer to each other's
/// lists.
class RecipeYaml {
 public:
  explicit RecipeYaml(std::string_view where) : where_(where) {}

  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] static int line_of(const YAML::Node& node) { return node.Mark().line + 1; }
  /// "recipe.yml line 12", or "recipe.yml (--set)" for a node that no text has.
  [[nodiscard]] std::string place(const YAML::Node& node) const;
  [[noreturn]] void refuse(const YAML::Node& node, std::string_view message) const;

  struct Item {
    std::string key;
    YAML::Node key_node;
    YAML::Node value;
  };
  /// The items of a map in the text's order, those of `<<` merged in behind (own keys win). @param what  what the map
  /// is, for messages
  /// @throws RecipeError  not a map, a key that is no word, a key twice
  [[nodiscard]] std::vector<Item> items(const YAML::Node& node, std::string_view what);
  /// The nodes of a list. @throws RecipeError  not a list
  [[nodiscard]] std::vector<YAML::Node> list(const YAML::Node& node, std::string_view what);
  /// @throws RecipeError  not a single word or number
  [[nodiscard]] std::string word(const YAML::Node& node, std::string_view what);
  [[nodiscard]] bool switch_value(const YAML::Node& node, std::string_view what);
  [[nodiscard]] std::int64_t integer(const YAML::Node& node, std::string_view what);
  [[nodiscard]] static bool is_null(const YAML::Node& node) { return !node.IsDefined() || node.IsNull(); }
  /// Refuses a key that is not among the known ones, with the nearest of them.
  [[noreturn]] void refuse_key(const Item& item, std::string_view what, std::span<const std::string_view> known) const;

 private:
  void count(const YAML::Node& node);
  std::string where_;
  std::uint64_t visited_ = 0;
};

/// Sets each override in the tree, making maps on the way. @throws UsageError  the path leads through a value or past a
/// list's end
void apply_overrides(YAML::Node& root, const std::vector<Override>& overrides);

}  // namespace cambium::merge
