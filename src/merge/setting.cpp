#include "merge/setting.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "tensor/error.h"

namespace cambium::merge {
namespace {

std::string lowercase(std::string_view word) {
  std::string lower(word);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

double value_of(const std::string& word, const ParameterInfo& parameter, const Setting& setting, int line) {
  if (const auto value = number_from_word(word, parameter.kind)) return *value;
  throw RecipeError(fmt::format("{} line {}: '{}' is not a {} as parameter '{}' wants", setting.source, line, word,
                                parameter.kind == ParameterKind::kBoolean ? "switch (true or false)" : "number",
                                parameter.name));
}

}  // namespace

std::optional<double> number_from_word(std::string_view word, ParameterKind kind) {
  static constexpr std::array<std::string_view, 5> kYes{"true", "yes", "on", "y", "t"};
  static constexpr std::array<std::string_view, 5> kNo{"false", "no", "off", "n", "f"};
  const std::string lower = lowercase(word);
  if (std::ranges::find(kYes, lower) != kYes.end()) return 1.0;
  if (std::ranges::find(kNo, lower) != kNo.end()) return 0.0;
  std::string_view digits = lower;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || !std::isfinite(value)) return std::nullopt;
  if (kind == ParameterKind::kBoolean && value != 0.0 && value != 1.0) return std::nullopt;
  return value;
}

std::optional<double> Setting::evaluate(const ParameterInfo& parameter, const TensorAspect& aspect, double t) const {
  for (const Entry& entry : entries) {
    if (entry.filter && *entry.filter != "*" && aspect.name.find(*entry.filter) == std::string_view::npos) continue;
    if (entry.where && !entry.where->matches(aspect)) continue;
    if (entry.values.empty()) return std::nullopt;
    if (entry.values.size() == 1) return value_of(entry.values.front(), parameter, *this, entry.line);
    const double place = t * static_cast<double>(entry.values.size() - 1);
    const auto first = static_cast<std::size_t>(place);
    const double before = value_of(entry.values[first], parameter, *this, entry.line);
    if (parameter.kind == ParameterKind::kBoolean) return before;
    const std::size_t second = std::min(entry.values.size() - 1, first + 1);
    const double after = value_of(entry.values[second], parameter, *this, entry.line);
    const double share = place - static_cast<double>(first);
    return (1.0 - share) * before + share * after;
  }
  return std::nullopt;
}

void Setting::check(const ParameterInfo& parameter) const {
  for (const Entry& entry : entries) {
    for (const std::string& word : entry.values) static_cast<void>(value_of(word, parameter, *this, entry.line));
  }
}

bool Setting::asks_for_heads() const {
  return std::ranges::any_of(entries, [](const Entry& entry) { return entry.where && entry.where->asks_for_heads(); });
}

}  // namespace cambium::merge
