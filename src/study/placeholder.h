#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace cambium::study {

/// What ${NAME} stands for. @throws RecipeError for a name it does not know
using Lookup = std::function<nlohmann::ordered_json(std::string_view name)>;

/// Fills in every ${NAME} of the texts in a value; keys, too. A text that is one ${NAME} alone takes the value with its
/// type, so that `lr: ${lr}` is a number. `$$` is a dollar sign.
/// @throws RecipeError  a `${` without `}`
[[nodiscard]] nlohmann::ordered_json filled_in(const nlohmann::ordered_json& value, const Lookup& lookup);
[[nodiscard]] std::string filled_in_text(std::string_view text, const Lookup& lookup);

/// A text as it is, anything else as JSON writes it.
[[nodiscard]] std::string plain_text(const nlohmann::ordered_json& value);

/// True if a text within the value has ${NAME}.
[[nodiscard]] bool mentions(const nlohmann::ordered_json& value, std::string_view name);

}  // namespace cambium::study
