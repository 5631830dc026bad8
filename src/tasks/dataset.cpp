#include "tasks/dataset.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "tasks/csv_table.h"
#include "tasks/text_file.h"
#include "tensor/error.h"
#include "text/jinja_json.h"
#include "text/jinja_nearest.h"
#include "text/jinja_number_text.h"
#include "text/jinja_operators.h"
#include "text/jinja_runtime.h"

namespace cambium::tasks {
namespace {

namespace fs = std::filesystem;
namespace jinja = text::jinja;
using jinja::Type;
using jinja::Value;

constexpr std::array<std::string_view, 11> kOptions{"data_files", "data_dir",  "field",       "where",
                                                    "sep",        "delimiter", "quotechar",   "skiprows",
                                                    "optional",   "names",     "column_names"};
// Options of the reference that mean nothing for local files.
constexpr std::array<std::string_view, 3> kIgnored{"trust_remote_code", "encoding", "revision"};

const Value* option(const Value& options, std::string_view key) {
  const Value* found = options.is_dict() ? options.as_dict().find(key) : nullptr;
  return found == nullptr || found->is_none() ? nullptr : found;
}

std::vector<std::string> text_list(const Value& value, std::string_view what, std::string_view task) {
  std::vector<std::string> list;
  if (value.is_string()) {
    list.push_back(value.as_string());
  } else if (value.is_sequence()) {
    for (const Value& item : value.items()) {
      if (!item.is_string())
        throw RecipeError(fmt::format("task '{}': {} must be a text or a list of texts", task, what));
      list.push_back(item.as_string());
    }
  } else {
    throw RecipeError(fmt::format("task '{}': {} must be a text or a list of texts", task, what));
  }
  return list;
}

// -- columns
// --------------------------------------------------------------------------------------------------------------

// A column with whole numbers and floats is one of floats.
void unify_numbers(Split& split, const std::string& column) {
  bool has_float = false;
  bool has_int = false;
  for (const Value& row : split.rows) {
    const Value* cell = row.as_dict().find(column);
    if (cell->is(Type::kFloat)) has_float = true;
    if (cell->is(Type::kInt)) has_int = true;
    if (!cell->is_none() && !cell->is(Type::kFloat) && !cell->is(Type::kInt)) return;
  }
  if (!has_float || !has_int) return;
  for (const Value& row : split.rows) {
    const Value* cell = row.as_dict().find(column);
    if (cell->is(Type::kInt)) row.as_dict().set(column, Value::real(static_cast<double>(cell->as_int())));
  }
}

void complete_columns(Split& split) {
  std::set<std::string> seen;
  for (const Value& row : split.rows) {
    for (const auto& [key, cell] : row.as_dict().entries()) {
      if (seen.insert(key.as_string()).second) split.columns.push_back(key.as_string());
    }
  }
  for (const Value& row : split.rows) {
    if (row.as_dict().size() == split.columns.size()) continue;
    for (const std::string& column : split.columns) {
      if (row.as_dict().find(column) == nullptr) row.as_dict().set(column, Value());
    }
  }
  for (const std::string& column : split.columns) unify_numbers(split, column);
}

// -- formats
// --------------------------------------------------------------------------------------------------------------

std::optional<std::vector<std::string>> column_names(const Value& options, std::string_view task) {
  const Value* names = option(options, "column_names");
  if (names == nullptr) names = option(options, "names");
  if (names == nullptr) return std::nullopt;
  return text_list(*names, "dataset_kwargs: column_names", task);
}

void add_json_row(Split& split, const Value& row, const std::optional<std::vector<std::string>>& names,
                  const std::string& where) {
  if (row.is_dict()) {
    split.rows.push_back(row);
    return;
  }
  if (!row.is_sequence() || !names || names->size() != row.items().size()) {
    throw RecipeError(fmt::format("{}: expected an object{}", where,
                                  names ? fmt::format(" or a list of {} values", names->size())
                                        : "; for a list of values give dataset_kwargs: column_names"));
  }
  Value made = Value::dict();
  for (std::size_t i = 0; i < names->size(); ++i) made.as_dict().set((*names)[i], row.items()[i]);
  split.rows.push_back(std::move(made));
}

void add_json(Split& split, const std::string& text, const fs::path& file, const Value& options,
              std::string_view task) {
  const std::optional<std::vector<std::string>> names = column_names(options, task);
  const Value* field = option(options, "field");
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return;
  if (field != nullptr || text[first] == '[') {
    Value all = jinja::from_json(text, file.string());
    if (field != nullptr) {
      const Value* inner = all.is_dict() && field->is_string() ? all.as_dict().find(field->as_string()) : nullptr;
      if (inner == nullptr) throw RecipeError(fmt::format("{}: has no field '{}'", file.string(), field->as_string()));
      all = Value(*inner);
    }
    if (!all.is_sequence()) throw RecipeError(fmt::format("{}: expected a list of objects", file.string()));
    std::size_t number = 0;
    for (const Value& row : all.items())
      add_json_row(split, row, names, fmt::format("{}: entry {}", file.string(), number++));
    return;
  }
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}:{}", file.string(), number);
    add_json_row(split, jinja::from_json(line, where), names, where);
  }
}

bool is_missing(std::string_view cell) {
  static constexpr std::array<std::string_view, 19> kMissing{
      "",     "#N/A", "#N/A N/A", "#NA",  "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
      "<NA>", "N/A",  "NA",       "NULL", "NaN",     "None",     "n/a",  "nan",  "null"};
  return std::ranges::find(kMissing, cell) != kMissing.end();
}

std::optional<bool> truth(std::string_view cell) {
  if (cell == "True" || cell == "TRUE" || cell == "true") return true;
  if (cell == "False" || cell == "FALSE" || cell == "false") return false;
  return std::nullopt;
}

// The values of a CSV column, typed as pandas types it.
std::vector<Value> typed_column(const std::vector<std::vector<std::string>>& rows, std::size_t column) {
  bool missing = false;
  bool whole = true;
  bool real = true;
  bool boolean = true;
  for (const auto& row : rows) {
    const std::string& cell = row[column];
    if (is_missing(cell)) {
      missing = true;
      continue;
    }
    whole = whole && jinja::read_integer(cell, 10).has_value() && cell.find('_') == std::string::npos;
    real = real && jinja::read_float(cell).has_value() && cell.find('_') == std::string::npos;
    boolean = boolean && truth(cell).has_value();
  }
  std::vector<Value> values;
  values.reserve(rows.size());
  for (const auto& row : rows) {
    const std::string& cell = row[column];
    if (is_missing(cell)) {
      values.emplace_back();
    } else if (boolean) {
      values.push_back(Value::boolean(*truth(cell)));
    } else if (whole && !missing) {
      values.push_back(*jinja::read_integer(cell, 10));
    } else if (real) {
      values.push_back(Value::real(*jinja::read_float(cell)));
    } else {
      values.push_back(Value::string(cell));
    }
  }
  return values;
}

char one_character(const Value& value, std::string_view key, std::string_view task) {
  if (!value.is_string() || value.as_string().size() != 1) {
    throw RecipeError(fmt::format("task '{}': dataset_kwargs: {} must be one character", task, key));
  }
  return value.as_string().front();
}

void add_csv(Split& split, const std::string& text, const fs::path& file, const Value& options, std::string_view task) {
  CsvForm form;
  for (const char* key : {"sep", "delimiter"}) {
    if (const Value* given = option(options, key)) form.separator = one_character(*given, key, task);
  }
  if (const Value* given = option(options, "quotechar")) form.quote = one_character(*given, "quotechar", task);
  std::vector<std::vector<std::string>> rows = parse_csv(text, form, file.string());
  if (const Value* skip = option(options, "skiprows"); skip != nullptr && skip->is_integral()) {
    rows.erase(rows.begin(), rows.begin() + std::min<std::ptrdiff_t>(skip->as_int(), std::ssize(rows)));
  }
  std::optional<std::vector<std::string>> names = column_names(options, task);
  if (!names) {
    if (rows.empty()) throw RecipeError(fmt::format("{}: has no header line", file.string()));
    names = std::move(rows.front());
    rows.erase(rows.begin());
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].size() > names->size()) {
      throw RecipeError(
          fmt::format("{}: row {} has {} cells, the header {}", file.string(), i + 1, rows[i].size(), names->size()));
    }
    rows[i].resize(names->size());
  }
  const std::size_t first = split.rows.size();
  for (std::size_t i = 0; i < rows.size(); ++i) split.rows.push_back(Value::dict());
  for (std::size_t column = 0; column < names->size(); ++column) {
    const std::vector<Value> values = typed_column(rows, column);
    for (std::size_t i = 0; i < rows.size(); ++i) split.rows[first + i].as_dict().set((*names)[column], values[i]);
  }
}

void add_text(Split& split, const std::string& text) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.pop_back();
    split.rows.push_back(Value::dict({{"text", Value::string(std::move(line))}}));
    begin = end + 1;
  }
}

// The rows with these values, as copies: what a task does to them is its own business.
Split rows_where(const Split& all, const Value& where, std::string_view task) {
  if (!where.is_dict()) throw RecipeError(fmt::format("task '{}': dataset_kwargs: where must be column: value", task));
  for (const auto& [column, wanted] : where.as_dict().entries()) {
    const std::string name = column.is_string() ? column.as_string() : "";
    if (!all.rows.empty() && std::ranges::find(all.columns, name) == all.columns.end()) {
      throw RecipeError(fmt::format("task '{}': dataset_kwargs: where: the data has no column '{}'; it has: {}", task,
                                    name, fmt::join(all.columns, ", ")));
    }
  }
  Split kept{.columns = all.columns, .rows = {}};
  jinja::Budget budget{jinja::Limits{}};
  for (const Value& row : all.rows) {
    const bool matches = std::ranges::all_of(where.as_dict().entries(), [&](const auto& entry) {
      budget = jinja::Budget{jinja::Limits{}};
      return jinja::equal(*row.as_dict().find(entry.first.as_string()), entry.second, budget);
    });
    if (!matches) continue;
    Value copy = Value::dict();
    for (const auto& [key, value] : row.as_dict().entries()) copy.as_dict().set(key.as_string(), value);
    kept.rows.push_back(std::move(copy));
  }
  return kept;
}

// Tasks with the same key read the same rows, but for `where`.
std::string cache_key(std::string_view format, const Value& options, const std::vector<fs::path>& files) {
  std::string key(format);
  for (const fs::path& file : files) key += '\n' + file.string();
  jinja::Budget budget{jinja::Limits{}};
  for (const auto& [name, value] : options.as_dict().entries()) {
    const std::string& text = name.as_string();
    if (text == "where" || text == "data_files" || text == "data_dir" || text == "optional") continue;
    key += fmt::format("\n{}={}", text, jinja::to_json(value, {}, budget));
  }
  return key;
}

// The files that one name of data_files stands for; none if nothing is there.
std::vector<fs::path> existing(const std::string& pattern, const DataSearch& search) {
  std::vector<fs::path> files;
  for (const fs::path& folder : search.folders) {
    const fs::path full = fs::path(pattern).is_absolute() ? fs::path(pattern) : folder / pattern;
    if (fs::exists(full)) {
      files.push_back(full);
    } else if (pattern.find_first_of("*?[") != std::string::npos) {
      glob_t found{};
      if (::glob(full.c_str(), 0, nullptr, &found) == 0) {
        for (std::size_t i = 0; i < found.gl_pathc; ++i) files.emplace_back(found.gl_pathv[i]);
      }
      ::globfree(&found);
    }
    if (!files.empty()) break;
  }
  return files;
}

// Of alternatives "a|b|c" the first that is there.
std::vector<fs::path> matching(const std::string& alternatives, const std::string& data_dir, const DataSearch& search) {
  for (std::size_t begin = 0; begin <= alternatives.size();) {
    const std::size_t end = std::min(alternatives.find('|', begin), alternatives.size());
    std::vector<fs::path> files = existing(data_dir + alternatives.substr(begin, end - begin), search);
    if (!files.empty()) return files;
    begin = end + 1;
  }
  return {};
}

std::vector<std::string> optional_splits(const Value& options, std::string_view task) {
  const Value* given = option(options, "optional");
  return given == nullptr ? std::vector<std::string>{} : text_list(*given, "dataset_kwargs: optional", task);
}

}  // namespace

const Split* DataCache::find(const std::string& key) const {
  const auto found = splits_.find(key);
  return found == splits_.end() ? nullptr : &found->second;
}

const Split& DataCache::keep(std::string key, Split split) {
  return splits_.insert_or_assign(std::move(key), std::move(split)).first->second;
}

fs::path DataSearch::find(std::string_view file, std::string_view wanted_by) const {
  const fs::path path(file);
  std::vector<std::string> tried;
  for (const fs::path& folder : folders) {
    const fs::path candidate = path.is_absolute() ? path : folder / path;
    if (fs::exists(candidate)) return candidate;
    tried.push_back(candidate.lexically_normal().string());
    if (path.is_absolute()) break;
  }
  throw RecipeError(
      fmt::format("{}: the data file '{}' is missing; looked for: {}{}", wanted_by, file, fmt::join(tried, ", "),
                  path.is_absolute() ? "" : "; run in the folder it is relative to, or pass --data-root"));
}

Dataset Dataset::read(std::string_view format, const Value& options, const DataSearch& search, std::string_view task) {
  if (format != "json" && format != "csv" && format != "text") {
    throw RecipeError(
        fmt::format("task '{}': dataset_path '{}' would have to be downloaded, which is not done here; put the data "
                    "into JSON lines or CSV files and write dataset_path: json with dataset_kwargs: data_files",
                    task, format));
  }
  if (options.is_dict()) {
    for (const auto& [key, value] : options.as_dict().entries()) {
      const std::string name = key.is_string() ? key.as_string() : "";
      if (std::ranges::find(kOptions, name) != kOptions.end() || std::ranges::find(kIgnored, name) != kIgnored.end())
        continue;
      throw RecipeError(fmt::format("task '{}': unknown option '{}' in dataset_kwargs.{}", task, name,
                                    jinja::nearest_names(name, kOptions)));
    }
  }
  const Value* data_files = option(options, "data_files");
  if (data_files == nullptr) throw RecipeError(fmt::format("task '{}': dataset_kwargs: data_files is missing", task));
  std::string folder;
  if (const Value* given = option(options, "data_dir"); given != nullptr && given->is_string())
    folder = given->as_string() + "/";

  Dataset dataset;
  dataset.task_ = task;
  const std::vector<std::string> optional = optional_splits(options, task);
  const Value* where = option(options, "where");
  const auto parse = [&](const std::vector<fs::path>& files) {
    Split split;
    for (const fs::path& file : files) {
      std::string text = read_text_file(file);
      if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
      if (format == "json") add_json(split, text, file, options, task);
      if (format == "csv") add_csv(split, text, file, options, task);
      if (format == "text") add_text(split, text);
    }
    complete_columns(split);
    return split;
  };
  const auto read_split = [&](const std::string& name, const Value& patterns) {
    std::vector<fs::path> files;
    for (const std::string& pattern : text_list(patterns, "dataset_kwargs: data_files", task)) {
      std::vector<fs::path> found = matching(pattern, folder, search);
      if (found.empty() && std::ranges::find(optional, name) != optional.end()) {
        dataset.left_out_.insert(name);
        return;
      }
      if (found.empty()) found.push_back(search.find(folder + pattern, fmt::format("task '{}'", task)));
      files.insert(files.end(), found.begin(), found.end());
    }
    dataset.files_.insert(dataset.files_.end(), files.begin(), files.end());
    if (where == nullptr) {
      dataset.splits_[name] = parse(files);
      return;
    }
    const std::string key = cache_key(format, options, files);
    const Split* whole = search.cache == nullptr ? nullptr : search.cache->find(key);
    Split read;
    if (whole == nullptr) {
      read = parse(files);
      whole = search.cache == nullptr ? &read : &search.cache->keep(key, std::move(read));
    }
    dataset.splits_[name] = rows_where(*whole, *where, task);
  };
  if (data_files->is_dict()) {
    for (const auto& [name, files] : data_files->as_dict().entries()) read_split(name.as_string(), files);
  } else {
    read_split("train", *data_files);
  }
  return dataset;
}

const Split& Dataset::split(std::string_view name) const {
  const auto found = splits_.find(std::string(name));
  if (found != splits_.end()) return found->second;
  std::vector<std::string_view> known;
  for (const auto& [split, rows] : splits_) known.push_back(split);
  throw RecipeError(
      fmt::format("task '{}': the data has no split '{}'; it has: {}", task_, name, fmt::join(known, ", ")));
}

}  // namespace cambium::tasks
