#include "tasks/document_entry.h"

#include <fmt/format.h>

#include "tensor/error.h"

namespace cambium::tasks {

using text::jinja::Value;

const Value& entry(const Value& document, std::string_view key) {
  const Value* found = document.is_dict() ? document.as_dict().find(key) : nullptr;
  if (found == nullptr) throw RecipeError(fmt::format("a document has no '{}'", key));
  return *found;
}

const std::string& text_entry(const Value& document, std::string_view key) {
  const Value& value = entry(document, key);
  if (!value.is_string()) throw RecipeError(fmt::format("a document's '{}' is not a text", key));
  return value.as_string();
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace cambium::tasks
