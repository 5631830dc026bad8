#include "tasks/csv_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "tensor/error.h"

namespace cambium::tasks {

std::vector<std::vector<std::string>> parse_csv(std::string_view text, const CsvForm& form, std::string_view where) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> row;
  std::string cell;
  bool any = false;  // the line has a cell, be it empty
  const auto end_row = [&] {
    if (any) {
      row.push_back(std::move(cell));
      rows.push_back(std::move(row));
    }
    row.clear();
    cell.clear();
    any = false;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == form.quote && cell.empty()) {
      any = true;
      const std::size_t begin = at;
      while (true) {
        const std::size_t close = text.find(form.quote, at + 1);
        if (close == std::string_view::npos) {
          const auto line = 1 + std::ranges::count(text.substr(0, begin), '\n');
          throw RecipeError(fmt::format("{}:{}: a quoted cell does not end", where, line));
        }
        cell += text.substr(at + 1, close - at - 1);
        at = close;
        if (close + 1 >= text.size() || text[close + 1] != form.quote) break;
        cell += form.quote;
        at = close + 1;
      }
    } else if (c == form.separator) {
      any = true;
      row.push_back(std::move(cell));
      cell.clear();
    } else if (c == '\n' || c == '\r') {
      if (c == '\r' && at + 1 < text.size() && text[at + 1] == '\n') ++at;
      end_row();
    } else {
      any = true;
      cell += c;
    }
  }
  end_row();
  return rows;
}

}  // namespace cambium::tasks
