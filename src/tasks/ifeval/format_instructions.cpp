// Instructions about marks in the text that can be found without understanding it.
#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "tasks/ifeval/instruction_table.h"
#include "tasks/ifeval/python_json.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks::ifeval {
namespace {

namespace jinja = text::jinja;
using text::PythonRegex;

constexpr auto kNone = std::string_view::npos;

bool is_blank(std::string_view text) { return jinja::strip(text).empty(); }

std::string_view strip_of(std::string_view text, char left, char right) {
  while (text.starts_with(left)) text.remove_prefix(1);
  while (text.ends_with(right)) text.remove_suffix(1);
  return text;
}

// Pairs of brackets within a line, from each [ to the nearest ].
std::size_t count_placeholders(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = text.find('['); at != kNone; at = text.find('[', at)) {
    at = text.find_first_of("]\n", at + 1);
    if (at == kNone) break;
    if (text[at] == ']') ++count;
    ++at;
  }
  return count;
}

// What the regular expression ^\s*MARK.*$ finds, line by line, where blanks before the mark may span lines; for '*' the
// next character must be another. Written out because the expression takes quadratic time over blank lines.
std::size_t count_bullets(std::string_view text, char mark) {
  std::size_t count = 0;
  for (std::size_t line = 0; line < text.size();) {
    std::size_t begin = line;
    while (begin < text.size()) {
      std::size_t next = begin;
      if (!jinja::is_space(jinja::next_code_point(text, next))) break;
      begin = next;
    }
    if (begin >= text.size()) break;
    std::size_t rest = begin;  // from where the bullet runs to the end of its line
    if (text[begin] == mark && (mark != '*' || (begin + 1 < text.size() && text[begin + 1] != '*'))) {
      ++count;
      rest = begin + (mark == '*' ? 2 : 1);
    }
    const std::size_t end = text.find('\n', rest);
    if (end == kNone) break;
    line = end + 1;
  }
  return count;
}

// Pieces between stars within a line that are not blank; pieces between double stars count again.
std::size_t count_highlights(std::string_view text) {
  static const PythonRegex kSingle(R"(\*[^\n*]*\*)");
  static const PythonRegex kDouble(R"(\*\*[^\n*]*\*\*)");
  std::size_t count = 0;
  for (const PythonRegex* pattern : {&kSingle, &kDouble}) {
    for (const PythonRegex::Match& match : pattern->find_all(text)) {
      if (!is_blank(strip_of(match.group(text, 0), '*', '*'))) ++count;
    }
  }
  return count;
}

// In a line, from the first << to the last >> with something between them that is not blank.
bool has_title(std::string_view text) {
  while (true) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::size_t open = line.find("<<");
    const std::size_t close = line.rfind(">>");
    if (open != kNone && close != kNone && close >= open + 3 &&
        !is_blank(strip_of(line.substr(open, close + 2 - open), '<', '>'))) {
      return true;
    }
    if (end == kNone) return false;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

Check number_placeholders(const InstructionArguments& arguments) {
  return [wanted = arguments.number("num_placeholders")](std::string_view response) {
    return static_cast<double>(count_placeholders(response)) >= wanted;
  };
}

Check number_bullet_lists(const InstructionArguments& arguments) {
  return [wanted = arguments.number("num_bullets")](std::string_view response) {
    return static_cast<double>(count_bullets(response, '*') + count_bullets(response, '-')) == wanted;
  };
}

Check number_highlighted_sections(const InstructionArguments& arguments) {
  return [wanted = arguments.number("num_highlights")](std::string_view response) {
    return static_cast<double>(count_highlights(response)) >= wanted;
  };
}

Check multiple_sections(const InstructionArguments& arguments) {
  const auto heading =
      std::make_shared<PythonRegex>(R"(\s?)" + arguments.stripped_text("section_spliter") + R"(\s?\d+\s?)");
  return [heading, wanted = arguments.number("num_sections")](std::string_view response) {
    return static_cast<double>(heading->split(response).size() - 1) >= wanted;
  };
}

Check postscript(const InstructionArguments& arguments) {
  const std::string marker = arguments.stripped_text("postscript_marker");
  std::string pattern = jinja::to_lower(marker);  // any other marker is a regular expression
  if (marker == "P.S.") pattern = R"(p\.\s?s\.)";
  if (marker == "P.P.S") pattern = R"(p\.\s?p\.\s?s)";
  const auto compiled = std::make_shared<PythonRegex>(pattern, PythonRegex::Flags{.multi_line = true});
  return [compiled](std::string_view response) { return compiled->search(jinja::to_lower(response)).has_value(); };
}

Check constrained_response(const InstructionArguments& /*arguments*/) {
  return [](std::string_view response) {
    constexpr std::array<std::string_view, 3> kAnswers{"My answer is yes.", "My answer is no.", "My answer is maybe."};
    return std::ranges::any_of(kAnswers, [&](std::string_view answer) { return response.find(answer) != kNone; });
  };
}

Check json_format(const InstructionArguments& /*arguments*/) {
  return [](std::string_view response) {
    std::string_view text = jinja::strip(response);
    for (const std::string_view fence : {"```json", "```Json", "```JSON", "```"}) {
      if (text.starts_with(fence)) text.remove_prefix(fence.size());
    }
    if (text.ends_with("```")) text.remove_suffix(3);
    return is_python_json(jinja::strip(text));
  };
}

Check title(const InstructionArguments& /*arguments*/) { return has_title; }

Check no_comma(const InstructionArguments& /*arguments*/) {
  return [](std::string_view response) { return response.find(',') == kNone; };
}

}  // namespace cambium::tasks::ifeval
