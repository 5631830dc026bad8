#include "tasks/answer_errors/language_switch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tasks/ifeval/language_detector.h"
#include "text/jinja_unicode.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;

constexpr double kFew = 0.1;
constexpr double kMany = 0.2;
constexpr std::size_t kFewestLetters = 5;
constexpr std::size_t kQuestionLetters = 60;
constexpr std::size_t kResponseLetters = 100;

struct Letters {
  std::size_t latin = 0;
  std::size_t other = 0;
  [[nodiscard]] std::size_t all() const { return latin + other; }
  [[nodiscard]] double other_share() const {
    return all() == 0 ? 0 : static_cast<double>(other) / static_cast<double>(all());
  }
};

bool is_latin(char32_t c) {
  return c < 0x250 || (c >= 0x1E00 && c <= 0x1EFF) || (c >= 0x2C60 && c <= 0x2C7F) || (c >= 0xA720 && c <= 0xA7FF) ||
         (c >= 0xFF21 && c <= 0xFF5A);
}

Letters letters_of(std::string_view text) {
  Letters letters;
  for (std::size_t position = 0; position < text.size();) {
    const char32_t c = jinja::next_code_point(text, position);
    if (!jinja::is_alpha(c)) continue;
    ++(is_latin(c) ? letters.latin : letters.other);
  }
  return letters;
}

// Languages that the detector takes for each other count as one.
std::string_view family_of(std::string_view code) {
  if (code.starts_with("zh")) return "zh";
  if (code == "no") return "da";
  if (code == "sl") return "hr";
  return code;
}

// What three seeds agree on.
std::optional<std::string> certain_language(std::string_view text) {
  const std::optional<std::string> first = ifeval::detect_language(text, 0);
  if (!first || *first == "unknown") return std::nullopt;
  for (const std::uint64_t seed : {1U, 2U}) {
    if (ifeval::detect_language(text, seed) != first) return std::nullopt;
  }
  return first;
}

bool has_code(std::string_view text) {
  constexpr std::array<std::string_view, 5> kSigns{"```", "def ", "import ", "#include", "</"};
  return std::ranges::any_of(kSigns, [&](std::string_view sign) { return text.find(sign) != std::string_view::npos; });
}

}  // namespace

std::optional<std::string> language_switch(std::string_view question, std::string_view gold,
                                           std::string_view response) {
  const Letters asked = letters_of(question);
  const Letters wanted = letters_of(gold);
  const Letters given = letters_of(response);
  if (asked.all() == 0) return std::nullopt;
  const bool gold_is_other = wanted.all() >= 2 && wanted.other_share() > 0.5;
  const bool gold_is_latin = wanted.all() >= 2 && wanted.other_share() < 0.5;
  if (asked.other_share() <= kFew && given.other >= kFewestLetters && given.other_share() >= kMany && !gold_is_other) {
    return fmt::format("{:.0f} % of its letters are in another script than the question's", 100 * given.other_share());
  }
  if (asked.other_share() >= 0.5 && given.latin >= 4 * kFewestLetters && given.other_share() <= kFew &&
      !gold_is_latin) {
    return fmt::format("{:.0f} % of its letters are Latin, the question's are not", 100 * (1 - given.other_share()));
  }
  if (asked.all() < kQuestionLetters || given.all() < kResponseLetters || has_code(response)) return std::nullopt;
  const std::optional<std::string> from = certain_language(question);
  const std::optional<std::string> to = from ? certain_language(response) : std::nullopt;
  if (!to || family_of(*from) == family_of(*to)) return std::nullopt;
  return fmt::format("the response is in '{}', the question in '{}'", *to, *from);
}

}  // namespace cambium::tasks
