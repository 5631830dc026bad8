#include "cli/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <ostream>

namespace cambium::cli {

namespace {

// Characters of UTF-8 text: bytes that do not continue one.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void print_line(std::ostream& out, const std::vector<std::string>& cells, const std::vector<TextTable::Column>& columns,
                const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += "  ";
    const std::string padding(widths[i] - width(cells[i]), ' ');
    line += columns[i].align == TextTable::Align::kRight ? padding + cells[i] : cells[i] + padding;
  }
  line.resize(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

// Three or four digits that matter.
std::string scaled(double value, std::string_view unit) {
  return fmt::format("{:.{}f} {}", value, value < 10 ? 2 : value < 1000 ? 1 : 0, unit);
}

}  // namespace

TextTable::TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

void TextTable::add_row(std::vector<std::string> cells) {
  assert(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

void TextTable::print(std::ostream& out) const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) {
    titles.push_back(column.title);
    widths.push_back(width(column.title));
  }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  print_line(out, titles, columns_, widths);
  for (const auto& row : rows_) print_line(out, row, columns_, widths);
}

std::string human_bytes(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 5> kUnits{"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1000, not 1024: four digits before the point read worse than "0.98 GiB".
  while (value >= 1000 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", value, value < 1 ? 2 : 1, kUnits[unit]);
}

std::string human_count(std::uint64_t count) {
  if (count < 100'000) return fmt::format("{}", count);
  const auto value = static_cast<double>(count);
  if (value < 999.5e3) return scaled(value / 1e3, "k");
  if (value < 999.5e6) return scaled(value / 1e6, "M");
  return scaled(value / 1e9, "B");
}

std::string human_seconds(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::clamp(seconds, 0.0, 1e9)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace cambium::cli
