#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_value.h"

namespace cambium::tasks {

/// The rows of one split, with the names of their columns. A row lacks no column: what a file leaves out is None.
struct Split {
  std::vector<std::string> columns;
  std::vector<text::jinja::Value> rows;
};

/// Splits that several tasks take their rows from (by `where`): read once.
class DataCache {
 public:
  [[nodiscard]] const Split* find(const std::string& key) const;
  const Split& keep(std::string key, Split split);

 private:
  std::map<std::string, Split> splits_;
};

/// Where files named in tasks are looked for, in this order, unless their path is absolute.
struct DataSearch {
  std::vector<std::filesystem::path> folders{"."};
  std::shared_ptr<DataCache> cache = {};  ///< may be null
  /// @throws RecipeError  in none of the folders; the message lists where was looked
  [[nodiscard]] std::filesystem::path find(std::string_view file, std::string_view wanted_by) const;
};

/// Local data as Hugging Face's `datasets` reads it: splits of rows.
class Dataset {
 public:
  /// Reads JSON lines, a JSON array (or the array under `field`), CSV or plain text; gzip is recognised by its first
  /// bytes.
  ///
  /// Columns as the reference infers them: the union of the rows' keys; whole numbers become floats in a column that
  /// has floats; CSV columns of numbers and of true/false are converted, empty cells and NA become None.
  /// @param format   `dataset_path` of the task: json, csv or text
  /// @param options  `dataset_kwargs`: data_files (a file, a list, or split names with either; `*` matches; of "a|b"
  /// the
  ///                 first that is there), data_dir, field, where (column: value, keeps the rows that have it),
  ///                 optional (a split or several that may be missing), and for CSV sep, quotechar, column_names,
  ///                 skiprows
  /// @param task     for messages
  /// @throws RecipeError  another format, an unknown option, a missing or malformed file (with its line)
  [[nodiscard]] static Dataset read(std::string_view format, const text::jinja::Value& options,
                                    const DataSearch& search, std::string_view task);

  /// @throws RecipeError  no such split; the message names those there are
  [[nodiscard]] const Split& split(std::string_view name) const;
  [[nodiscard]] const std::map<std::string, Split>& splits() const { return splits_; }
  /// The split is optional and its file is not there.
  [[nodiscard]] bool left_out(std::string_view split) const { return left_out_.contains(std::string(split)); }
  /// The files read, in order.
  [[nodiscard]] const std::vector<std::filesystem::path>& files() const { return files_; }

 private:
  std::string task_;
  std::map<std::string, Split> splits_;
  std::set<std::string> left_out_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace cambium::tasks
