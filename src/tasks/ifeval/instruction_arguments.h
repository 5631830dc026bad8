#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_value.h"

namespace cambium::tasks::ifeval {

/// The arguments of one instruction: an entry of a row's `kwargs`. None counts as absent, as newer copies of the data
/// give every instruction all names. All throw RecipeError, naming instruction and argument.
class InstructionArguments {
 public:
  /// A count is compared with a threshold: "less than" it, or "at least" it.
  struct Relation {
    bool at_least = false;
    double threshold = 0;
    [[nodiscard]] bool holds(std::size_t count) const {
      return at_least ? static_cast<double>(count) >= threshold : static_cast<double>(count) < threshold;
    }
  };

  /// @param where   what to call the instruction in messages @param values  a dict or None
  /// @param chance  seeds what the reference draws at random
  InstructionArguments(std::string where, text::jinja::Value values, std::uint64_t chance);

  [[nodiscard]] double number(std::string_view name) const;  ///< >= 0
  [[nodiscard]] std::string text(std::string_view name) const;
  [[nodiscard]] std::string stripped_text(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  [[nodiscard]] Relation relation(std::string_view relation_name, std::string_view threshold_name) const;
  [[nodiscard]] std::uint64_t chance() const { return chance_; }

  [[noreturn]] void refuse(std::string_view name, std::string_view found, std::string_view expected) const;

 private:
  [[nodiscard]] const text::jinja::Value& value(std::string_view name) const;
  std::string where_;
  text::jinja::Value values_;
  std::uint64_t chance_;
};

}  // namespace cambium::tasks::ifeval
