#include "cli/heads_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint_writer.h"
#include "report/heat_map.h"
#include "report/html_page.h"
#include "report/markup.h"
#include "report/scatter_plot.h"
#include "report/table.h"

namespace cambium::cli {
namespace {

using eval::HeadsReport;
using eval::HeadsRow;
using eval::HeadsTask;
using nlohmann::ordered_json;
using report::escaped;
using report::number_text;

constexpr std::size_t kMostImportant = 15;

template <typename Number>
report::HeatMap heat_map(const HeadsTask& task, const std::string& title, const std::string& unit, bool diverging,
                         const Number& number) {
  report::HeatMap map{.title = title,
                      .description = fmt::format("{}: one row for each layer, one column for each head.", title),
                      .unit = unit,
                      .rows = {},
                      .columns = {},
                      .values = {},
                      .diverging = diverging};
  std::size_t columns = 0;
  for (const HeadsRow& row : task.rows) columns = std::max(columns, row.heads.back() + 1);
  for (std::size_t h = 0; h < columns; ++h) map.columns.push_back(fmt::format("{}", h));
  for (const HeadsRow& row : task.rows) {
    const std::string layer = fmt::format("{}", row.layer);
    if (map.rows.empty() || map.rows.back() != layer) {
      map.rows.push_back(layer);
      map.values.resize(map.rows.size() * columns, std::numeric_limits<double>::quiet_NaN());
    }
    for (const std::size_t head : row.heads) map.values[(map.rows.size() - 1) * columns + head] = number(row);
  }
  return map;
}

std::string chart(const report::HeatMap& map) { return report::figure_html(heat_map_svg(map), map.title); }

std::string task_section(const HeadsReport& report, const HeadsTask& task) {
  std::string body = fmt::format(
      "<section><h2>{}, {}</h2><p>{} questions; with all heads the accuracy is {} and the right options' mean "
      "probability {}.</p>",
      escaped(report.model), escaped(task.name), task.questions, number_text(task.accuracy, 4),
      number_text(task.probability, 4));
  body +=
      chart(heat_map(task, "Divergence without a head", "KL, nats", false, [](const HeadsRow& row) { return row.kl; }));
  body += chart(heat_map(task, "Change of accuracy without a head", "points of 100", true,
                         [&](const HeadsRow& row) { return 100 * (row.accuracy - task.accuracy); }));
  body += chart(heat_map(task, "Change of the right options' probability", "points of 100", true,
                         [&](const HeadsRow& row) { return 100 * (row.probability - task.probability); }));
  std::vector<const HeadsRow*> order;
  for (const HeadsRow& row : task.rows) order.push_back(&row);
  std::ranges::stable_sort(order, std::ranges::greater(), &HeadsRow::kl);
  order.resize(std::min(order.size(), kMostImportant));
  report::Table table{
      .caption = "Heads that matter most", .header = {"layer.head", "KL", "accuracy", "probability"}, .rows = {}};
  for (const HeadsRow* row : order) {
    table.rows.push_back(
        {head_name(*row), number_text(row->kl, 4), number_text(row->accuracy, 4), number_text(row->probability, 4)});
  }
  return body + table_html(table) + "</section>\n";
}

std::string heads_text(const std::vector<std::pair<std::size_t, std::size_t>>& heads) {
  std::string text;
  for (const auto& [layer, head] : heads) text += fmt::format("{}{}.{}", text.empty() ? "" : ", ", layer, head);
  return text.empty() ? "none" : text;
}

std::string comparison_section(const HeadsComparison& comparison) {
  report::ScatterPlot plot{.title = "Divergence without each head",
                           .description = "One point for each head; the named ones lead in one of the two.",
                           .x_name = comparison.first,
                           .y_name = comparison.second,
                           .groups = {"heads"},
                           .candidates = {}};
  for (std::size_t i = 0; i < comparison.x.size(); ++i)
    plot.candidates.push_back({.name = comparison.names[i], .x = comparison.x[i], .y = comparison.y[i]});
  return fmt::format(
      "<section><h2>{} against {}</h2>{}<p>Spearman's rank correlation of the divergences: {}. Of the {} most "
      "important heads of each: {} shared ({}); only in the first: {}; only in the second: {}.</p></section>\n",
      escaped(comparison.first), escaped(comparison.second), report::figure_html(scatter_plot_svg(plot), plot.title),
      number_text(comparison.spearman, 3), comparison.top, comparison.both.size(), heads_text(comparison.both),
      heads_text(comparison.only_first), heads_text(comparison.only_second));
}

// Heads of a set share its number.
ordered_json by_head(const HeadsTask& task, double HeadsRow::*number) {
  ordered_json object = ordered_json::object();
  for (const HeadsRow& row : task.rows) {
    for (const std::size_t head : row.heads) object[fmt::format("[{}, {}]", row.layer, head)] = row.*number;
  }
  return object;
}

std::string option_name(std::size_t option) {
  return option < 26 ? std::string(1, static_cast<char>('A' + option)) : fmt::format("{}", option);
}

std::string option_rows(const HeadsTask& task) {
  std::string lines;
  for (std::size_t m = 0; m < task.options.size(); ++m) {
    ordered_json masked = nullptr;
    if (m > 0) {
      const HeadsRow& row = task.rows[m - 1];
      masked = row.heads.size() == 1 ? ordered_json::array({row.layer, row.heads.front()})
                                     : ordered_json::array({row.layer, row.heads});
    }
    for (std::size_t q = 0; q < task.options[m].size(); ++q) {
      const std::vector<double>& logs = task.options[m][q];
      const auto best = static_cast<std::size_t>(std::ranges::max_element(logs) - logs.begin());
      const ordered_json row{
          {"masked", masked}, {"id", task.documents[q]}, {"answer", option_name(best)}, {"logits", logs}};
      lines += row.dump() + '\n';
    }
  }
  return lines;
}

}  // namespace

std::string heads_csv(std::span<const HeadsReport> reports) {
  std::string csv = "model,task,layer,heads,accuracy,probability,kl\n";
  const auto quoted = [](const std::string& text) {
    std::string made = "\"";
    for (const char c : text) made += c == '"' ? "\"\"" : std::string(1, c);
    return text.find_first_of(",\"\n") == std::string::npos ? text : made + '"';
  };
  for (const HeadsReport& report : reports) {
    for (const HeadsTask& task : report.tasks) {
      const std::string names = quoted(report.model) + "," + quoted(task.name);
      csv += fmt::format("{},,,{},{},0\n", names, task.accuracy, task.probability);
      for (const HeadsRow& row : task.rows) {
        csv += fmt::format("{},{},{},{},{},{}\n", names, row.layer, fmt::join(row.heads, " "), row.accuracy,
                           row.probability, row.kl);
      }
    }
  }
  return csv;
}

std::string heads_page(std::span<const HeadsReport> reports, std::span<const HeadsComparison> comparisons) {
  const std::string title = "Attention heads that the tasks rest on";
  std::string body = fmt::format("<h1>{}</h1>\n", title);
  body +=
      "<p>Each head's output is replaced by zeros before the attention's output projection, one head (or set of heads) "
      "at a time. Divergence: mean KL of the distribution over the options, all heads against without the head.</p>\n";
  for (const HeadsComparison& comparison : comparisons) body += comparison_section(comparison);
  for (const HeadsReport& report : reports) {
    for (const HeadsTask& task : report.tasks) body += task_section(report, task);
  }
  return report::html_page(title, body);
}

void write_heads_folder(const std::filesystem::path& folder, const HeadsReport& report) {
  for (const HeadsTask& task : report.tasks) {
    const std::filesystem::path place = report.tasks.size() == 1 ? folder : folder / task.name;
    std::filesystem::create_directories(place);
    checkpoint::write_file_atomically(place / "accu_prob.json", by_head(task, &HeadsRow::accuracy).dump(2) + "\n");
    checkpoint::write_file_atomically(place / "prob.json", by_head(task, &HeadsRow::probability).dump(2) + "\n");
    checkpoint::write_file_atomically(place / "kl.json", by_head(task, &HeadsRow::kl).dump(2) + "\n");
    if (!task.options.empty()) checkpoint::write_file_atomically(place / "option_logits.jsonl", option_rows(task));
  }
}

}  // namespace cambium::cli
