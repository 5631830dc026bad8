#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cambium::tasks {

/// How a CSV file is written.
struct CsvForm {
  char separator = ',';
  char quote = '"';
};

/// The cells of a CSV text (RFC 4180: quoted cells, doubled quotes, line breaks within quotes). Empty lines are
/// skipped.
/// @param where  the file's name for messages
/// @throws RecipeError  a quote that does not end (with its line)
[[nodiscard]] std::vector<std::vector<std::string>> parse_csv(std::string_view text, const CsvForm& form,
                                                              std::string_view where);

}  // namespace cambium::tasks
