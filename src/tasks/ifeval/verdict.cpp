#include "tasks/ifeval/verdict.h"

#include <fmt/format.h>

#include "tasks/ifeval/instruction_table.h"
#include "tensor/error.h"
#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"

namespace cambium::tasks::ifeval {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

std::string_view stripped(std::string_view text) { return jinja::strip(text); }

std::string without_stars(std::string_view text) {
  std::string out(text);
  std::erase(out, '*');
  return out;
}

// The variants that the loose judgement tries, the response itself first; each different text once.
std::vector<std::string> loose_variants(std::string_view response) {
  const std::size_t first = response.find('\n');
  const std::size_t last = response.rfind('\n');
  const bool is_one_line = first == std::string_view::npos;
  const std::string_view behind_first = is_one_line ? std::string_view() : response.substr(first + 1);
  const std::string_view before_last = is_one_line ? std::string_view() : response.substr(0, last);
  const std::string_view middle =
      is_one_line || first == last ? std::string_view() : response.substr(first + 1, last - first - 1);
  std::vector<std::string> variants;
  const auto add = [&variants](std::string text) {
    if (std::ranges::find(variants, text) == variants.end()) variants.push_back(std::move(text));
  };
  for (const std::string_view lines : {response, stripped(behind_first), stripped(before_last), stripped(middle)}) {
    add(std::string(lines));
    add(without_stars(lines));
  }
  return variants;
}

const std::vector<Value>& list_of(const Value& document, std::string_view key) {
  const Value* found = document.is_dict() ? document.as_dict().find(key) : nullptr;
  if (found == nullptr || !found->is_sequence()) {
    throw RecipeError(fmt::format("'{}' is {}, expected a list as in IFEval's data", key,
                                  found == nullptr ? "missing" : type_name(*found)));
  }
  return found->items();
}

std::vector<Check> checks_of(const Value& document, std::uint64_t seed) {
  const std::vector<Value>& ids = list_of(document, "instruction_id_list");
  const std::vector<Value>& arguments = list_of(document, "kwargs");
  if (ids.size() != arguments.size()) {
    throw RecipeError(fmt::format("'kwargs' has {} entries, expected one for each of the {} instructions",
                                  arguments.size(), ids.size()));
  }
  std::vector<Check> checks;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!ids[i].is_string()) {
      throw RecipeError(
          fmt::format("entry {} of 'instruction_id_list' is {}, expected a text", i + 1, type_name(ids[i])));
    }
    const std::string where = fmt::format("instruction {} ({})", i + 1, ids[i].as_string());
    try {
      checks.push_back(find_instruction(ids[i].as_string()).check({where, arguments[i], seed}));
    } catch (const ValueError& error) {
      throw RecipeError(fmt::format("{}: {}", where, error.what()));
    }
  }
  return checks;
}

}  // namespace

Verdict judge(const Value& document, std::string_view response, const VerdictOptions& options) {
  const std::vector<Check> checks = checks_of(document, options.seed);
  const std::vector<std::string> variants = loose_variants(response);
  const auto follows = [](const Check& check, std::string_view text) { return !stripped(text).empty() && check(text); };
  Verdict verdict;
  for (const Check& check : checks) {
    const bool strict = follows(check, response);
    verdict.strict.push_back(strict);
    verdict.loose.push_back(strict || std::any_of(variants.begin() + 1, variants.end(),
                                                  [&](const std::string& text) { return follows(check, text); }));
  }
  return verdict;
}

}  // namespace cambium::tasks::ifeval
