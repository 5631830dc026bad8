#include "tasks/scorers/recorded_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <unordered_map>

#include "tasks/text_file.h"
#include "tensor/error.h"
#include "text/jinja_json.h"
#include "text/jinja_runtime.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

constexpr std::array<std::string_view, 8> kIdFields{"key",       "id", "question_id", "qid",
                                                    "unique_id", "ID", "doc_id",      "file"};
constexpr std::array<std::string_view, 5> kResponseFields{"response", "prediction", "output", "answer",
                                                          "generated_text"};

struct Row {
  Value value;
  std::size_t line = 0;  ///< or the entry's number in a JSON list, from 1
};

struct RowFile {
  std::string name;
  std::vector<Row> rows;
  [[nodiscard]] std::string where(const Row& row) const { return fmt::format("{}:{}", name, row.line); }
};

void add_row(RowFile& file, Value value, std::size_t line, std::string_view unit) {
  if (!value.is_dict()) {
    throw RecipeError(
        fmt::format("{}:{}: expected a JSON object in each {}, found {}", file.name, line, unit, type_name(value)));
  }
  file.rows.push_back({std::move(value), line});
}

RowFile read_rows(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  RowFile file{path.string(), {}};
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && text[first] == '[') {
    const Value list = jinja::from_json(text, file.name);
    for (const Value& row : list.items()) add_row(file, row, file.rows.size() + 1, "entry");
  } else {
    std::size_t line = 0;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      const std::string_view row = std::string_view(text).substr(begin, end - begin);
      begin = end + 1;
      ++line;
      if (row.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      add_row(file, jinja::from_json(row, fmt::format("{}:{}", file.name, line)), line, "line");
    }
  }
  if (file.rows.empty()) throw RecipeError(fmt::format("{}: has no rows", file.name));
  return file;
}

const Value* recorded_field(const Value& row, std::string_view name) {
  const Value* found = row.as_dict().find(name);
  return found == nullptr || found->is_none() ? nullptr : found;
}

// Numbers and their texts are the same id.
std::string id_text(const Value& id, std::string_view name, const std::string& where) {
  if (id.is_string()) return id.as_string();
  if (id.is_integral()) return fmt::format("{}", id.as_int());
  throw RecipeError(fmt::format("{}: '{}' is {}, expected a text or a whole number", where, name, type_name(id)));
}

bool all_have(const RowFile& file, std::string_view name) {
  return std::ranges::all_of(file.rows, [&](const Row& row) { return recorded_field(row.value, name) != nullptr; });
}

std::string response_of(const RowFile& file, const Row& row, const std::string& wanted) {
  const auto text_of = [&](const Value& value, std::string_view name) -> const std::string& {
    if (!value.is_string()) {
      throw RecipeError(
          fmt::format("{}: '{}' is {}, expected the answer's text", file.where(row), name, type_name(value)));
    }
    return value.as_string();
  };
  if (!wanted.empty()) {
    const Value* found = row.value.as_dict().find(wanted);
    if (found == nullptr) throw RecipeError(fmt::format("{}: has no field '{}'", file.where(row), wanted));
    return text_of(*found, wanted);
  }
  for (const std::string_view name : kResponseFields) {
    if (const Value* found = row.value.as_dict().find(name)) return text_of(*found, name);
  }
  // lm-evaluation-harness: resps is a list of repeats for each request.
  if (const Value* found = row.value.as_dict().find("resps")) {
    const Value* first = found;
    while (first->is_sequence() && !first->items().empty()) first = &first->items()[0];
    return text_of(*first, "resps");
  }
  throw RecipeError(
      fmt::format("{}: has no answer; looked for the fields {} and resps; name another with "
                  "--response-field",
                  file.where(row), fmt::join(kResponseFields, ", ")));
}

// lm-evaluation-harness writes a row for each filter of a task: the same answer again.
void drop_other_filters(RowFile& file) {
  const Value* first = recorded_field(file.rows[0].value, "filter");
  if (first == nullptr || !first->is_string() || !all_have(file, "filter") || !all_have(file, "doc_id")) return;
  const std::string kept = first->as_string();
  std::erase_if(file.rows, [&](const Row& row) {
    const Value* filter = recorded_field(row.value, "filter");
    return filter->is_string() && filter->as_string() != kept;
  });
}

// The field that rows of both files are matched by; empty: their order.
std::string matching_field(const RowFile& responses, const RowFile& data, const std::string& wanted) {
  if (!wanted.empty()) {
    for (const RowFile* file : {&responses, &data}) {
      for (const Row& row : file->rows) {
        if (recorded_field(row.value, wanted) == nullptr) {
          throw RecipeError(
              fmt::format("{}: has no field '{}', which rows are to be matched by", file->where(row), wanted));
        }
      }
    }
    return wanted;
  }
  for (const std::string_view name : kIdFields) {
    if (all_have(responses, name) && all_have(data, name)) return std::string(name);
  }
  return {};
}

std::unordered_map<std::string, std::size_t> rows_by_id(const RowFile& file, const std::string& name) {
  std::unordered_map<std::string, std::size_t> rows;
  for (std::size_t i = 0; i < file.rows.size(); ++i) {
    const std::string id = id_text(*recorded_field(file.rows[i].value, name), name, file.where(file.rows[i]));
    const auto [before, is_new] = rows.emplace(id, i);
    if (!is_new) {
      throw RecipeError(fmt::format("{}: the {} '{}' was already in line {}", file.where(file.rows[i]), name, id,
                                    file.rows[before->second].line));
    }
  }
  return rows;
}

[[noreturn]] void refuse_missing(const RowFile& data, const Row& row, const RowFile& responses) {
  throw RecipeError(fmt::format(
      "{}: this row has no answer in {} ({} rows of data, {} answers); to score the answers there are, pass "
      "--partial",
      data.where(row), responses.name, data.rows.size(), responses.rows.size()));
}

std::vector<RecordedAnswer> with_own_documents(const RowFile& responses, const RecordedAnswersOptions& options) {
  std::vector<RecordedAnswer> answers;
  for (const Row& row : responses.rows) {
    const Value* document = recorded_field(row.value, "doc");
    if (document == nullptr || !document->is_dict()) {
      throw RecipeError(fmt::format(
          "{}: give the data with --data; only rows with their own 'doc' (lm-evaluation-harness's samples) need none",
          responses.where(row)));
    }
    const Value* id = recorded_field(row.value, "doc_id");
    answers.push_back(
        {*document, row.value, response_of(responses, row, options.response_field), id != nullptr ? "doc_id" : "index",
         id != nullptr ? *id : Value::integer(static_cast<std::int64_t>(answers.size())), responses.where(row)});
  }
  return answers;
}

}  // namespace

std::vector<RecordedAnswer> read_recorded_answers(const RecordedAnswersOptions& options) {
  RowFile responses = read_rows(options.responses);
  drop_other_filters(responses);
  if (options.data.empty()) return with_own_documents(responses, options);
  const RowFile data = read_rows(options.data);
  const std::string name = matching_field(responses, data, options.id_field);
  std::vector<RecordedAnswer> answers;
  answers.reserve(responses.rows.size());
  if (name.empty()) {
    if (responses.rows.size() > data.rows.size()) {
      throw RecipeError(fmt::format("{}: {} answers for the {} rows of {}, and no field to match them by",
                                    responses.name, responses.rows.size(), data.rows.size(), data.name));
    }
    if (responses.rows.size() < data.rows.size() && !options.partial) {
      refuse_missing(data, data.rows[responses.rows.size()], responses);
    }
    for (std::size_t i = 0; i < responses.rows.size(); ++i) {
      const Row& row = responses.rows[i];
      answers.push_back({data.rows[i].value, row.value, response_of(responses, row, options.response_field), "index",
                         Value::integer(static_cast<std::int64_t>(i)), responses.where(row)});
    }
    return answers;
  }
  const auto data_rows = rows_by_id(data, name);
  const auto response_rows = rows_by_id(responses, name);
  for (const Row& row : responses.rows) {
    const Value& id = *recorded_field(row.value, name);
    const auto found = data_rows.find(id_text(id, name, responses.where(row)));
    if (found == data_rows.end()) {
      throw RecipeError(fmt::format("{}: {} has no row whose {} is '{}'", responses.where(row), data.name, name,
                                    id_text(id, name, responses.where(row))));
    }
    answers.push_back({data.rows[found->second].value, row.value, response_of(responses, row, options.response_field),
                       name, id, responses.where(row)});
  }
  if (!options.partial) {
    for (const Row& row : data.rows) {
      if (!response_rows.contains(id_text(*recorded_field(row.value, name), name, data.where(row)))) {
        refuse_missing(data, row, responses);
      }
    }
  }
  return answers;
}

}  // namespace cambium::tasks
