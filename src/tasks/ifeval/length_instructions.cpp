// Instructions about numbers of words, sentences and paragraphs.
#include <algorithm>
#include <string>
#include <vector>

#include "tasks/ifeval/instruction_table.h"
#include "tasks/ifeval/sentence_splitter.h"
#include "tasks/ifeval/word_splitter.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks::ifeval {
namespace {

namespace jinja = text::jinja;

bool is_blank_text(std::string_view text) { return jinja::strip(text).empty(); }

std::vector<std::string_view> split_at(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + separator.size());
  }
}

// The first word in lower case, without quotes before it, up to its first mark.
std::string first_word(std::string_view paragraph) {
  std::size_t end = 0;
  for (std::size_t next = 0; next < paragraph.size() && !jinja::is_space(jinja::next_code_point(paragraph, next));) {
    end = next;
  }
  std::string_view word = paragraph.substr(0, end);
  word.remove_prefix(std::min(word.find_first_not_of('\''), word.size()));
  word.remove_prefix(std::min(word.find_first_not_of('"'), word.size()));
  word = word.substr(0, word.find_first_of(".,?!'\""));
  std::string lower;
  for (std::size_t position = 0; position < word.size();) {
    const std::size_t begin = position;
    static_cast<void>(jinja::next_code_point(word, position));
    lower += jinja::to_lower(word.substr(begin, position - begin));  // letter by letter: no final sigma
  }
  return lower;
}

}  // namespace

Check number_sentences(const InstructionArguments& arguments) {
  return [relation = arguments.relation("relation", "num_sentences")](std::string_view response) {
    return relation.holds(split_sentences(response).size());
  };
}

Check number_words(const InstructionArguments& arguments) {
  return [relation = arguments.relation("relation", "num_words")](std::string_view response) {
    return relation.holds(count_words(response));
  };
}

// Paragraphs lie between "***". One at an end may be blank, one in the middle may not.
Check number_paragraphs(const InstructionArguments& arguments) {
  return [wanted = arguments.number("num_paragraphs")](std::string_view response) {
    static const text::PythonRegex kDivider(R"(\s?\*\*\*\s?)");
    const std::vector<std::string> paragraphs = kDivider.split(response);
    std::size_t count = paragraphs.size();
    for (std::size_t i = 0; i < paragraphs.size(); ++i) {
      if (!is_blank_text(paragraphs[i])) continue;
      if (i != 0 && i + 1 != paragraphs.size()) return false;
      --count;
    }
    return static_cast<double>(count) == wanted;
  };
}

// Paragraphs lie between two line ends. The n-th is counted with blank ones, the number of paragraphs without.
Check nth_paragraph_first_word(const InstructionArguments& arguments) {
  const double wanted = arguments.number("num_paragraphs");
  const double nth = arguments.number("nth_paragraph");
  if (nth < 1 || nth > wanted) {
    arguments.refuse("nth_paragraph", std::to_string(static_cast<long long>(nth)), "1 to num_paragraphs");
  }
  const std::string word = jinja::to_lower(arguments.text("first_word"));
  return [wanted, nth, word](std::string_view response) {
    const std::vector<std::string_view> paragraphs = split_at(response, "\n\n");
    const auto count =
        static_cast<double>(paragraphs.size()) - static_cast<double>(std::ranges::count_if(paragraphs, is_blank_text));
    if (nth > count) return false;
    const std::string_view paragraph = jinja::strip(paragraphs[static_cast<std::size_t>(nth) - 1]);
    return !paragraph.empty() && count == wanted && first_word(paragraph) == word;
  };
}

}  // namespace cambium::tasks::ifeval
