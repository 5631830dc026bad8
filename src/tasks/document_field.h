#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/builtin_functions.h"
#include "text/jinja_template.h"
#include "text/jinja_value.h"

namespace cambium::tasks {

/// What a task file says about one part of a document (doc_to_text, doc_to_target ...): the name of a column, a Jinja
/// template, a number, a list, a dict, or a function.
class DocumentField {
 public:
  DocumentField() = default;
  /// @param columns  of the data; a text that names one means that column @param key  for messages
  /// @throws RecipeError  not one of these forms, or a template that cannot be parsed (with line and column)
  DocumentField(const text::jinja::Value& config, const std::vector<std::string>& columns, std::string_view task,
                std::string_view key);

  [[nodiscard]] bool given() const { return kind_ != Kind::kNone; }
  [[nodiscard]] bool is_template() const { return kind_ == Kind::kTemplate; }
  /// The column's value, the rendered text, or the number, list (a dict's values) or function's result.
  /// @throws RecipeError  the document lacks the column; the template fails (with line and column)
  [[nodiscard]] text::jinja::Value of(const text::jinja::Value& document) const;
  /// A template's text; everything else must be a text.
  [[nodiscard]] std::string text_of(const text::jinja::Value& document) const;

 private:
  enum class Kind { kNone, kColumn, kTemplate, kConstant, kFunction };
  Kind kind_ = Kind::kNone;
  std::string column_;
  text::jinja::Value constant_;
  std::shared_ptr<const text::jinja::Template> template_;
  BuiltinFunction::Field function_ = nullptr;
  std::string label_;
};

}  // namespace cambium::tasks
