#include "tasks/scorers/gold_answer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "tensor/error.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

void add_texts(const Value& gold, std::vector<std::string>& texts) {
  if (gold.is_string()) {
    texts.push_back(gold.as_string());
  } else if (gold.is(jinja::Type::kBool)) {
    texts.emplace_back(gold.as_bool() ? "yes" : "no");
  } else if (gold.is_number()) {
    jinja::Budget budget{jinja::Limits{}};
    texts.push_back(jinja::to_text(gold, budget));
  } else if (gold.is_sequence()) {
    for (const Value& item : gold.items()) add_texts(item, texts);
  } else if (gold.is_dict()) {
    bool found = false;
    for (const std::string_view name : {"answer", "value", "text", "aliases"}) {
      if (const Value* inner = gold.as_dict().find(name)) {
        add_texts(*inner, texts);
        found = true;
      }
    }
    if (!found) throw RecipeError("the right answer is an object without 'answer', 'value', 'text' or 'aliases'");
  } else {
    throw RecipeError(
        fmt::format("the right answer is {}, expected a text, a number or a list of them", type_name(gold)));
  }
}

}  // namespace

const Value& gold_value(const Value& document, std::string_view wanted, std::span<const std::string_view> usual) {
  const auto field = [&](std::string_view name) {
    const Value* found = document.is_dict() ? document.as_dict().find(name) : nullptr;
    return found == nullptr || found->is_none() ? nullptr : found;
  };
  if (!wanted.empty()) {
    if (const Value* found = field(wanted)) return *found;
    throw RecipeError(fmt::format("the row of data has no field '{}'", wanted));
  }
  for (const std::string_view name : usual) {
    if (const Value* found = field(name)) return *found;
  }
  throw RecipeError(
      fmt::format("the row of data has no right answer; looked for the fields {}; name another with "
                  "--gold-field",
                  fmt::join(usual, ", ")));
}

std::vector<std::string> gold_texts(const Value& gold) {
  std::vector<std::string> texts;
  add_texts(gold, texts);
  if (texts.empty()) throw RecipeError("the list of right answers is empty");
  return texts;
}

}  // namespace cambium::tasks
