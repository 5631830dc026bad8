#pragma once

#include <string>
#include <vector>

namespace cambium::report {

/// A table of texts. The first column is a label; numbers come ready made (number_text).
struct Table {
  std::string caption;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

/// <table> with caption and header cells, texts escaped, in a box that scrolls sideways on a phone.
[[nodiscard]] std::string table_html(const Table& table);
/// GitHub's Markdown; a bar in a cell is escaped.
[[nodiscard]] std::string table_markdown(const Table& table);

}  // namespace cambium::report
