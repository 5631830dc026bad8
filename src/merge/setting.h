#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "merge/method_info.h"
#include "merge/selector.h"

namespace cambium::merge {

/// What a recipe writes for one parameter: a value, a gradient over the layers, or a list of those under filters.
///
/// Values are kept as the recipe's words; what they mean depends on the parameter (`1e-9` is a number, `on` a switch).
class Setting {
 public:
  struct Entry {
    std::optional<std::string> filter;  ///< mergekit's: letters the name must hold; absent or "*": any name
    std::optional<Selector> where;      ///< ours: role, layers, heads ...
    std::vector<std::string> values;    ///< one, or the points of a gradient
    bool gradient = false;              ///< written as a list, even of one value
    int line = 0;
  };
  std::vector<Entry> entries;
  std::string source;  ///< the recipe's name, for messages

  /// The value for one tensor, or nothing if no entry fits or the entry's list is empty (the next level is asked then).
  ///
  /// A gradient of k points is piecewise linear over t: p = t (k - 1), between points floor(p) and floor(p) + 1; of
  /// switches it takes point floor(p).
  ///
  /// @param t  0..1, place of the tensor's layer in its slice
  /// @throws RecipeError  a word is not what the parameter wants (line, word, parameter)
  [[nodiscard]] std::optional<double> evaluate(const ParameterInfo& parameter, const TensorAspect& aspect,
                                               double t) const;
  /// @throws RecipeError  as evaluate, for any entry: so that a word no tensor meets is found too
  void check(const ParameterInfo& parameter) const;
  [[nodiscard]] bool asks_for_heads() const;
};

/// @return the number, or nothing if the word is none; for kBoolean true/false, yes/no, on/off, 1/0 give 1 and 0
[[nodiscard]] std::optional<double> number_from_word(std::string_view word, ParameterKind kind);

}  // namespace cambium::merge
