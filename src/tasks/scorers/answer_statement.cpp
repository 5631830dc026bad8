#include "tasks/scorers/answer_statement.h"

#include <cstddef>
#include <vector>

#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using text::PythonRegex;

constexpr std::size_t kRefusalWindow = 300;

// Without blanks and marks of emphasis or mathematics at the ends.
std::string_view bare(std::string_view text) {
  while (true) {
    const std::string_view before = text;
    text = jinja::strip(text);
    while (text.starts_with('*') || text.starts_with('$') || text.starts_with('`')) text.remove_prefix(1);
    while (text.ends_with('*') || text.ends_with('$') || text.ends_with('`')) text.remove_suffix(1);
    if (text.size() == before.size()) return text;
  }
}

// To the brace that closes the one before `text`; all of it if none does.
std::string_view in_braces(std::string_view text) {
  int depth = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return text.substr(0, i);
  }
  return text;
}

}  // namespace

std::optional<std::string_view> stated_answer(std::string_view response) {
  static const PythonRegex kOpening(
      R"(####|\\boxed\s?\{|<answer>|\b(?:answer|option|choice|solution|result)\b[ *_"]*(?:\([^)\n]{0,40}\)[ *_]*)?(?:(?:is|was|would be|should be|must be)\b|[:=])[ ]*:?)",
      {.ignore_case = true});
  // From the last one back: each may run to the end of the text.
  const std::vector<PythonRegex::Match> openings = kOpening.find_all(response);
  for (std::size_t i = openings.size(); i-- > 0;) {
    const std::string_view opening = openings[i].group(response, 0);
    std::string_view rest = response.substr(openings[i].end());
    if (opening.ends_with('{')) {
      rest = in_braces(rest);
    } else if (opening.ends_with('>')) {
      rest = rest.substr(0, rest.find("</"));
    } else {
      rest = jinja::strip(rest, true, false);  // the answer may stand in the next line
      rest = rest.substr(0, rest.find('\n'));
    }
    rest = bare(rest);
    if (!rest.empty()) return rest;
  }
  return std::nullopt;
}

std::optional<std::string_view> refusal_phrase(std::string_view response) {
  static const PythonRegex kPhrase(
      R"(\bI(?:'m| am)(?: very| so)? sorry\b|\bI apologi[sz]e\b|\bI(?: can(?:not|'t|’t)| am unable to|'m unable to| am not able to|'m not able to| won't| do(?: not|n't) (?:know|have (?:enough|access|any information)))\b|\bas an (?:AI|artificial intelligence|language model)\b|\b(?:it is|it's) (?:not possible|impossible) to (?:determine|answer|tell|say|know)\b|\b(?:cannot|can't|can not) be (?:determined|answered)\b|\bnot enough information\b|\binsufficient information\b|\bno (?:image|picture|audio|video) (?:was |is |has been )?(?:provided|given|attached)\b|\bunanswerable\b)",
      {.ignore_case = true});
  const std::string_view start = response.substr(0, jinja::byte_offset(response, kRefusalWindow));
  const std::optional<PythonRegex::Match> match = kPhrase.search(start);
  if (!match) return std::nullopt;
  return match->group(start, 0);
}

}  // namespace cambium::tasks
