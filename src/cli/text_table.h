#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::cli {

/// Rows of text printed in aligned columns, as every command's table is.
class TextTable {
 public:
  enum class Align : std::uint8_t { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  explicit TextTable(std::vector<Column> columns);
  /// @param cells  as many as there are columns
  void add_row(std::vector<std::string> cells);
  /// Title line, then the rows, two blanks between columns, nothing behind the last. Widths count characters, not
  /// bytes.
  void print(std::ostream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// "0 B", "900 B", "1.5 KiB", "256.6 MiB", "13.5 GiB".
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);
/// Counts of parameters and the like: "960", "125.9 k", "134.5 M", "7.06 B".
[[nodiscard]] std::string human_count(std::uint64_t count);
/// "42 s", "3 min 05 s", "2 h 07 min".
[[nodiscard]] std::string human_seconds(double seconds);

}  // namespace cambium::cli
