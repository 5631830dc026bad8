#include "eval/result_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "eval/harness_sample_hashes.h"
#include "text/jinja_operators.h"
#include "text/jinja_unicode.h"

namespace cambium::eval {

namespace {

using text::jinja::Value;

constexpr std::size_t kColumns = 9;
using Row = std::array<std::string, kColumns>;
constexpr std::array<bool, kColumns> kRight{false, true, false, true, false, false, true, false, true};

const Value& at(const Value& dict, std::string_view key) {
  static const Value kNone{};
  const Value* found = dict.is_dict() ? dict.as_dict().find(key) : nullptr;
  return found == nullptr ? kNone : *found;
}

// Names in the order they are shown, with their depth below the groups.
std::vector<std::pair<std::string, std::size_t>> hierarchy(const Value& subtasks, const Value& entries) {
  std::map<std::string, std::vector<std::string>> children;
  std::set<std::string> inner;
  for (const auto& [group, names] : subtasks.as_dict().entries()) {
    auto& list = children[group.as_string()];
    for (const Value& name : names.items()) list.push_back(name.as_string());
    std::ranges::sort(list);
    inner.insert(list.begin(), list.end());
  }
  std::vector<std::pair<std::string, std::size_t>> order;
  std::set<std::string> visited;
  const auto visit = [&](const auto& self, const std::string& name, std::size_t depth) -> void {
    visited.insert(name);
    if (entries.as_dict().find(name) != nullptr) order.emplace_back(name, depth);
    if (const auto found = children.find(name); found != children.end()) {
      for (const std::string& child : found->second) self(self, child, depth + 1);
    }
  };
  for (const auto& [group, list] : children) {
    if (!inner.contains(group)) visit(visit, group, 0);
  }
  std::set<std::string> others;
  for (const auto& [name, entry] : entries.as_dict().entries()) {
    if (!visited.contains(name.as_string())) others.insert(name.as_string());
  }
  for (const std::string& name : others) order.emplace_back(name, 0);
  return order;
}

std::string number_text(const Value& value) {
  if (!value.is(text::jinja::Type::kFloat))
    return value.is_string() ? fmt::format("{:>6}", value.as_string()) : python_text(value);
  return fmt::format("{:.4f}", value.as_float());
}

std::string version_text(const Value& version) {
  if (version.is_none()) return "N/A";
  const std::string text = python_text(version);
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

std::string direction(const Value& higher) {
  if (!higher.is(text::jinja::Type::kBool)) return "";
  return higher.as_bool() ? "↑" : "↓";
}

std::vector<Row> rows_of(const Value& results, std::string_view part) {
  const Value& entries = at(results, part);
  std::vector<Row> rows;
  for (const auto& [name, depth] : hierarchy(at(results, "group_subtasks"), entries)) {
    const Value& entry = at(entries, name);
    std::map<std::string, Value> metrics;
    for (const auto& [key, value] : entry.as_dict().entries()) {
      if (key.as_string().find(',') != std::string::npos) metrics[key.as_string()] = value;
    }
    std::string shown = python_text(at(entry, "alias"));
    if (depth > 0) shown = std::string(depth, ' ') + "- " + shown;
    std::string version = version_text(at(at(results, "versions"), name));
    const Value& shots = at(at(results, "n-shot"), name);
    for (const auto& [key, value] : metrics) {
      const std::size_t comma = key.find(',');
      const std::string metric = key.substr(0, comma), filter = key.substr(comma + 1);
      if (metric.ends_with("_stderr")) continue;
      const auto error = metrics.find(metric + "_stderr," + filter);
      rows.push_back({shown, version, filter, shots.is_none() ? "" : python_text(shots), metric,
                      direction(at(at(at(results, "higher_is_better"), name), metric)), number_text(value),
                      error == metrics.end() ? "" : "±", error == metrics.end() ? "" : number_text(error->second)});
      shown.clear();
      version.clear();
    }
    if (metrics.empty())
      rows.push_back({shown, version, "", shots.is_none() ? "" : python_text(shots), "", "", "", "", ""});
  }
  return rows;
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string blanks(width - text::jinja::count_code_points(text), ' ');
  return right ? blanks + text : text + blanks;
}

std::string centred(const std::string& text, std::size_t width) {
  const std::size_t blanks = width - text::jinja::count_code_points(text);
  return std::string(blanks / 2, ' ') + text + std::string(blanks - blanks / 2, ' ');
}

}  // namespace

std::string result_table(const Value& results, std::string_view part) {
  const Row titles{
      part == "groups" ? "Groups" : "Tasks", "Version", "Filter", "n-shot", "Metric", "", "Value", "", "Stderr"};
  const std::vector<Row> rows = rows_of(results, part);
  if (rows.empty()) return {};
  std::array<std::size_t, kColumns> widths{};
  for (std::size_t c = 0; c < kColumns; ++c) {
    widths[c] = std::max<std::size_t>(3, text::jinja::count_code_points(titles[c]));
    for (const Row& row : rows) widths[c] = std::max(widths[c], text::jinja::count_code_points(row[c]));
  }
  std::string table = "|";
  for (std::size_t c = 0; c < kColumns; ++c) table += centred(titles[c], widths[c]) + "|";
  table += "\n|";
  for (std::size_t c = 0; c < kColumns; ++c) table += std::string(widths[c] - 1, '-') + (kRight[c] ? ":|" : "-|");
  table += "\n";
  for (const Row& row : rows) {
    table += "|";
    for (std::size_t c = 0; c < kColumns; ++c) table += padded(row[c], widths[c], kRight[c]) + "|";
    table += "\n";
  }
  return table;
}

}  // namespace cambium::eval
