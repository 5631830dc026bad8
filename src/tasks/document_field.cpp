#include "tasks/document_field.h"

#include <fmt/format.h>

#include <algorithm>

#include "tasks/yaml_value.h"
#include "tensor/error.h"
#include "text/jinja_error.h"
#include "text/jinja_runtime.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

}  // namespace

DocumentField::DocumentField(const Value& config, const std::vector<std::string>& columns, std::string_view task,
                             std::string_view key)
    : label_(fmt::format("task '{}': {}", task, key)) {
  if (config.is_none()) return;
  if (config.is_integral() || config.is_sequence()) {
    kind_ = Kind::kConstant;
    constant_ = config.is(jinja::Type::kBool) ? Value::integer(config.as_int()) : config;
  } else if (config.is_string()) {
    if (std::ranges::find(columns, config.as_string()) != columns.end()) {
      kind_ = Kind::kColumn;
      column_ = config.as_string();
      return;
    }
    kind_ = Kind::kTemplate;
    try {
      template_ = std::make_shared<const jinja::Template>(config.as_string(), label_, jinja::Options::task());
    } catch (const jinja::TemplateError& error) {
      throw RecipeError(error.what());
    }
  } else if (const std::string function = function_name(config); !function.empty()) {
    kind_ = Kind::kFunction;
    function_ = builtin_function(function, task).field;
    if (function_ == nullptr) throw RecipeError(fmt::format("{}: !function {} does something else", label_, function));
  } else if (config.is_dict()) {
    std::vector<Value> values;
    for (const auto& [name, value] : config.as_dict().entries()) values.push_back(value);
    kind_ = Kind::kConstant;
    constant_ = Value::list(std::move(values));
  } else {
    throw RecipeError(fmt::format("{} cannot be {}", label_, jinja::type_name(config)));
  }
}

Value DocumentField::of(const Value& document) const {
  switch (kind_) {
    case Kind::kNone:
      return {};
    case Kind::kConstant:
      return constant_;
    case Kind::kColumn: {
      const Value* found = document.as_dict().find(column_);
      if (found == nullptr) throw RecipeError(fmt::format("{}: a document has no '{}'", label_, column_));
      return *found;
    }
    case Kind::kTemplate:
      return Value::string(text_of(document));
    case Kind::kFunction:
      return function_(document);
  }
  return {};
}

std::string DocumentField::text_of(const Value& document) const {
  if (kind_ == Kind::kTemplate) {
    try {
      return template_->render(document);
    } catch (const jinja::TemplateError& error) {
      throw RecipeError(error.what());
    }
  }
  const Value value = of(document);
  if (!value.is_string())
    throw RecipeError(fmt::format("{} gives {}, expected a text", label_, jinja::type_name(value)));
  return value.as_string();
}

}  // namespace cambium::tasks
