#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text/regex.h"

namespace cambium::text {

class JsonPart;

/// What a tokenizer file writes as {"String": "..."} or {"Regex": "..."} (or as a bare string): something to look for
/// in a text.
class Pattern {
 public:
  /// @throws CheckpointError  neither of the forms, or a regular expression that is malformed or not supported
  explicit Pattern(const JsonPart& part);

  /// Calls found(begin, end) for each match in order; a string that is empty matches between any two characters.
  template <typename Found>
  void for_each(std::string_view text, Found&& found) const {
    if (regex_) {
      regex_->for_each(text, found);
      return;
    }
    for (std::size_t place = text.find(literal_); place != std::string_view::npos;
         place = text.find(literal_, place + literal_.size())) {
      found(place, place + literal_.size());
    }
  }

  /// The regular expression as the file has it; empty for a string.
  [[nodiscard]] std::string_view regex_source() const { return regex_source_; }

 private:
  std::string literal_;
  std::string regex_source_;
  std::optional<Regex> regex_;
};

}  // namespace cambium::text
