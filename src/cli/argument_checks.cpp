#include "cli/argument_checks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string>

namespace cambium::cli {
namespace {

// Texts, which may be empty.
constexpr std::array<std::string_view, 6> kTexts{"prompt",   "system",  "system_instruction", "system-instruction",
                                                 "run_name", "run-name"};

bool may_be_empty(const CLI::Option& option) {
  return std::ranges::any_of(option.get_lnames(), [](const std::string& name) {
    return std::ranges::find(kTexts, std::string_view(name)) != kTexts.end();
  });
}

std::string refuse_empty(std::string& value) { return value.empty() ? "the value is empty" : std::string(); }

// CLI11 2.1 lets "-1" and what does not fit wrap around.
std::string refuse_no_count(std::string& value) {
  if (value.starts_with('-')) return value + " is negative";
  const auto digits = std::ranges::find_if(value, [](char c) { return c < '0' || c > '9'; }) - value.begin();
  return digits > 18 ? value + " is too large" : std::string();
}

std::string refuse_not_finite(std::string& value) {
  char* end = nullptr;
  const double number = std::strtod(value.c_str(), &end);
  return end != value.c_str() && !std::isfinite(number) ? value + " is not a finite number" : std::string();
}

void check_option(CLI::Option& option) {
  // Flags, and options whose value may be left out.
  if (option.get_items_expected_min() == 0) return;
  const std::string type = option.get_type_name();
  // In front of the other checks; without a description, so that the help says nothing of it.
  if (type.starts_with("UINT")) option.transform(CLI::Validator(refuse_no_count, ""));
  if (type.starts_with("FLOAT")) option.transform(CLI::Validator(refuse_not_finite, ""));
  if (!may_be_empty(option)) option.transform(CLI::Validator(refuse_empty, ""));
}

}  // namespace

void check_arguments(CLI::App& app) {
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    for (CLI::Option* option : command->get_options()) check_option(*option);
  }
}

}  // namespace cambium::cli
