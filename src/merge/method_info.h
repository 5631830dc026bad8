#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace cambium::merge {

enum class ParameterKind : std::uint8_t { kNumber, kBoolean };

/// Whose number it is: one for the output tensor, one for each input, or one for each input that is not the base.
enum class ParameterScope : std::uint8_t { kShared, kPerInput, kPerTuned };

/// One number or switch a recipe may give to a method.
struct ParameterInfo {
  std::string_view name;
  ParameterKind kind = ParameterKind::kNumber;
  ParameterScope scope = ParameterScope::kShared;
  bool required = false;
  /// Taken when the recipe says nothing. Absent and not required: the key is left out of Parameters (passthrough's
  /// scale).
  std::optional<double> fallback = std::nullopt;
  std::string_view help = {};
};

/// What a method does with `base_model`.
enum class BaseUse : std::uint8_t {
  kIgnored,   ///< the base, when the recipe names one, is an input like any other (and needs its parameters)
  kOptional,  ///< works with and without
  kRequired,
};

/// What to do with a tensor that some of the models do not have (mergekit's rule for optional weights).
enum class MissingTensor : std::uint8_t {
  kError,           ///< merge those that are there if the method's counts allow it, else refuse
  kCopySingle,      ///< only one model has it: copy it
  kCopySingleBase,  ///< only the base has it: copy it
  kCopyBaseOrSkip,  ///< too few inputs: copy it if only the base has it, else leave it out
};

/// What a recipe, the plan, --help and the docs need to know of a merge method.
struct MethodInfo {
  std::string_view name;    ///< as recipes spell it
  std::string_view source;  ///< paper or page that defines it
  std::string_view help;    ///< one sentence
  BaseUse base = BaseUse::kIgnored;
  std::size_t min_inputs = 1;                            ///< counting the base
  std::optional<std::size_t> max_inputs = std::nullopt;  ///< counting the base
  std::size_t min_tuned = 0;                             ///< not counting the base
  std::optional<std::size_t> max_tuned = std::nullopt;   ///< not counting the base
  MissingTensor missing = MissingTensor::kError;
  std::span<const ParameterInfo> parameters = {};
  /// The masks are drawn at random: `seed` of the task matters.
  bool random = false;

  [[nodiscard]] const ParameterInfo* find_parameter(std::string_view parameter) const {
    for (const ParameterInfo& info : parameters) {
      if (info.name == parameter) return &info;
    }
    return nullptr;
  }
};

}  // namespace cambium::merge
