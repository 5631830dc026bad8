#include "report/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "report/markup.h"

namespace cambium::report {
namespace {

std::string markdown_row(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) {
    line += ' ';
    for (const char c : cell) {
      if (c == '|') line += '\\';
      line += c == '\n' ? ' ' : c;
    }
    line += " |";
  }
  return line + "\n";
}

// Longer cells are broken into lines.
constexpr std::size_t kLongCell = 40;

// Numbers, intervals and dashes stand right, words left.
bool is_number(std::string_view cell) {
  const auto letters =
      std::ranges::count_if(cell, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  return letters <= 2;
}

// For each column whether it holds words.
std::vector<bool> word_columns(const Table& table) {
  std::vector<bool> words(table.header.size());
  for (const auto& row : table.rows) {
    for (std::size_t c = 0; c < row.size() && c < words.size(); ++c)
      words[c] = words[c] || c == 0 || !is_number(row[c]);
  }
  return words;
}

}  // namespace

std::string table_html(const Table& table) {
  // The caption stands outside of the box: it does not scroll away with the table.
  std::string out;
  if (!table.caption.empty()) out += fmt::format("<p class=\"caption\">{}</p>\n", escaped(table.caption));
  const std::string name = escaped(table.caption.empty() ? "Table" : table.caption);
  out += fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table aria-label=\"{0}\">\n", name);
  out += "<thead><tr>";
  const std::vector<bool> words = word_columns(table);
  const auto kind = [&](std::size_t column) { return column < words.size() && words[column] ? " class=\"word\"" : ""; };
  for (std::size_t c = 0; c < table.header.size(); ++c)
    out += fmt::format("<th scope=\"col\"{}>{}</th>", kind(c), escaped(table.header[c]));
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c) {
      out += c == 0 ? fmt::format("<th scope=\"row\">{}</th>", escaped(row[c]))
                    : fmt::format("<td{}>{}</td>", row[c].size() > kLongCell ? " class=\"word long\"" : kind(c),
                                  escaped(row[c]));
    }
    out += "</tr>\n";
  }
  return out + "</tbody>\n</table></div>\n";
}

std::string table_markdown(const Table& table) {
  std::string out = table.caption.empty() ? std::string() : table.caption + "\n\n";
  out += markdown_row(table.header) + "|";
  const std::vector<bool> words = word_columns(table);
  for (std::size_t c = 0; c < table.header.size(); ++c) out += c == 0 || words[c] ? "---|" : "---:|";
  out += "\n";
  for (const auto& row : table.rows) out += markdown_row(row);
  return out;
}

}  // namespace cambium::report
