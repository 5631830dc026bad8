#include "tasks/ifeval/instruction_arguments.h"

#include <fmt/format.h>

#include <utility>

#include "tensor/error.h"
#include "text/jinja_operators.h"
#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"

namespace cambium::tasks::ifeval {

namespace jinja = text::jinja;
using jinja::Value;

InstructionArguments::InstructionArguments(std::string where, Value values, std::uint64_t chance)
    : where_(std::move(where)), values_(std::move(values)), chance_(chance) {
  if (!values_.is_none() && !values_.is_dict()) {
    throw RecipeError(fmt::format("{}: its entry in 'kwargs' is {}, expected an object", where_, type_name(values_)));
  }
}

void InstructionArguments::refuse(std::string_view name, std::string_view found, std::string_view expected) const {
  throw RecipeError(fmt::format("{}: argument '{}' is {}, expected {}", where_, name, found, expected));
}

const Value& InstructionArguments::value(std::string_view name) const {
  const Value* found = values_.is_dict() ? values_.as_dict().find(name) : nullptr;
  if (found == nullptr || found->is_none()) {
    throw RecipeError(fmt::format("{}: needs the argument '{}', which its entry in 'kwargs' lacks", where_, name));
  }
  return *found;
}

double InstructionArguments::number(std::string_view name) const {
  const Value& found = value(name);
  if (!found.is_number()) refuse(name, type_name(found), "a number");
  const double number = jinja::to_double(found);
  if (!(number >= 0)) refuse(name, fmt::format("{}", number), "0 or more");
  return number;
}

std::string InstructionArguments::text(std::string_view name) const {
  const Value& found = value(name);
  if (!found.is_string()) refuse(name, type_name(found), "a text");
  return found.as_string();
}

std::string InstructionArguments::stripped_text(std::string_view name) const {
  return std::string(jinja::strip(text(name)));
}

std::vector<std::string> InstructionArguments::texts(std::string_view name) const {
  const Value& found = value(name);
  if (!found.is_sequence()) refuse(name, type_name(found), "a list of texts");
  std::vector<std::string> texts;
  for (const Value& item : found.items()) {
    if (!item.is_string()) refuse(name, fmt::format("a list with {}", type_name(item)), "a list of texts");
    texts.push_back(item.as_string());
  }
  return texts;
}

InstructionArguments::Relation InstructionArguments::relation(std::string_view relation_name,
                                                              std::string_view threshold_name) const {
  const std::string relation = text(relation_name);
  if (relation != "at least" && relation != "less than") {
    refuse(relation_name, fmt::format("'{}'", relation), "'at least' or 'less than'");
  }
  return {relation == "at least", number(threshold_name)};
}

}  // namespace cambium::tasks::ifeval
