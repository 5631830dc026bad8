#include "text/pattern.h"

#include "tensor/error.h"
#include "text/json_part.h"

namespace cambium::text {

Pattern::Pattern(const JsonPart& part) {
  if (part.value().is_string()) {
    literal_ = part.string();
  } else if (part.has("String")) {
    literal_ = part.string("String");
  } else if (part.has("Regex")) {
    regex_source_ = part.string("Regex");
    try {
      regex_.emplace(regex_source_);
    } catch (const ValueError& error) {
      part.fail(error.what());
    }
    return;
  } else {
    part.fail("must be {\"String\": ...} or {\"Regex\": ...}");
  }
  if (literal_.empty()) regex_ = Regex::literal(literal_);
}

}  // namespace cambium::text
