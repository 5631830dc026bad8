#include "study/placeholder.h"

#include <fmt/format.h>

#include "tensor/error.h"

namespace cambium::study {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

std::string plain_text(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::string filled_in_text(std::string_view text, const Lookup& lookup) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '$') {
      out += '$';
      i += 2;
    } else if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{') {
      const auto end = text.find('}', i);
      if (end == std::string_view::npos) throw RecipeError(fmt::format("'{}': '${{' without '}}'", text));
      out += plain_text(lookup(text.substr(i + 2, end - i - 2)));
      i = end + 1;
    } else {
      out += text[i++];
    }
  }
  return out;
}

Json filled_in(const Json& value, const Lookup& lookup) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    const bool alone = text.starts_with("${") && text.find('}') == text.size() - 1;
    if (alone) return lookup(std::string_view(text).substr(2, text.size() - 3));
    return filled_in_text(text, lookup);
  }
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& each : value) out.push_back(filled_in(each, lookup));
    return out;
  }
  if (value.is_object()) {
    Json out = Json::object();
    for (const auto& [key, each] : value.items()) out[filled_in_text(key, lookup)] = filled_in(each, lookup);
    return out;
  }
  return value;
}

bool mentions(const Json& value, std::string_view name) {
  const std::string wanted = fmt::format("${{{}}}", name);
  if (value.is_string()) return value.get_ref<const std::string&>().find(wanted) != std::string::npos;
  if (!value.is_structured()) return false;
  for (const Json& each : value) {
    if (mentions(each, name)) return true;
  }
  return false;
}

}  // namespace cambium::study
