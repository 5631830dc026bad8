#include "tasks/exact_match.h"

#include "text/jinja_operators.h"
#include "text/jinja_unicode.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;

constexpr std::string_view kPunctuation = R"(!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~)";

}  // namespace

ExactMatch::ExactMatch(const jinja::Value& arguments) {
  const auto flag = [&](std::string_view name) {
    const jinja::Value* value = arguments.is_dict() ? arguments.as_dict().find(name) : nullptr;
    return value != nullptr && jinja::truthy(*value);
  };
  ignore_case_ = flag("ignore_case");
  ignore_punctuation_ = flag("ignore_punctuation");
  ignore_numbers_ = flag("ignore_numbers");
  const jinja::Value* patterns = arguments.is_dict() ? arguments.as_dict().find("regexes_to_ignore") : nullptr;
  if (patterns == nullptr || !patterns->is_sequence()) return;
  for (const jinja::Value& pattern : patterns->items()) ignored_.emplace_back(pattern.as_string());
}

std::string ExactMatch::normalised(std::string_view given) const {
  std::string text(given);
  for (const text::PythonRegex& pattern : ignored_) text = pattern.substitute(text, "");
  if (ignore_case_) text = jinja::to_lower(text);
  if (ignore_punctuation_) std::erase_if(text, [](char c) { return kPunctuation.find(c) != std::string_view::npos; });
  if (ignore_numbers_) std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
  return text;
}

bool ExactMatch::operator()(std::string_view answer, std::string_view reference) const {
  return normalised(answer) == normalised(reference);
}

}  // namespace cambium::tasks
