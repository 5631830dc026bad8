#include "cli/shift_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include "report/heat_map.h"
#include "report/html_page.h"
#include "report/line_chart.h"
#include "report/markup.h"
#include "report/table.h"
#include "shift/shift_rows.h"

namespace cambium::cli {
namespace {

using report::escaped;
using report::number_text;
using shift::LayerModuleTable;
using shift::Level;
using shift::ModelShift;
using shift::ShiftRow;

constexpr std::size_t kMostMoved = 15;
constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

std::string percent_text(double share) {
  return std::isfinite(share) ? number_text(100 * share) + " %" : number_text(share);
}

std::string section(std::string_view title, std::string_view text, std::string_view body) {
  return fmt::format("<section><h2>{}</h2><p>{}</p>{}</section>\n", title, text, body);
}

std::string summary(std::span<const ModelShift> shifts) {
  report::Table table{.caption = "All language tensors together",
                      .header = {"model", "mean |d|", "rms", "largest", "|d| / |base|", "cosine", "sign changes",
                                 "unchanged", "in top 1 %", "in top 10 %"},
                      .rows = {}};
  for (const ModelShift& shift : shifts) {
    const ShiftRow row = shift_rows(shift, Level::kModel).at(0);
    const shift::Moments& m = row.moments;
    table.rows.push_back({shift.model, number_text(m.mean_abs(), 4), number_text(m.rms(), 4), number_text(m.max_abs, 4),
                          number_text(m.relative(), 4), number_text(m.cosine(), 6), percent_text(m.sign_change_share()),
                          percent_text(m.equal_share()), percent_text(shift.curve[0]), percent_text(shift.curve[2])});
  }
  return section("Summary",
                 "d = tuned - base, value by value, over the rows and tensors that both models have. The last columns "
                 "say how much of "
                 "the sum of |d| lies in the values that moved most.",
                 table_html(table));
}

std::string layer_module_maps(std::span<const ModelShift> shifts) {
  std::vector<LayerModuleTable> tables;
  double largest = 0;
  for (const ModelShift& shift : shifts) {
    tables.push_back(by_layer_and_module(shift));
    for (const double value : tables.back().mean_abs)
      largest = std::isfinite(value) ? std::max(largest, value) : largest;
  }
  std::string body;
  for (std::size_t i = 0; i < shifts.size(); ++i) {
    const LayerModuleTable& table = tables[i];
    if (table.layers.empty()) continue;
    report::HeatMap map{
        .title = shifts[i].model,
        .description = fmt::format("Mean absolute shift of {} from {}: one row for each layer, one column for each "
                                   "kind of module.",
                                   shifts[i].model, shifts[i].base),
        .unit = "mean |d|",
        .rows = {},
        .columns = table.modules,
        .values = table.mean_abs,
        .largest = largest};
    for (const int layer : table.layers) map.rows.push_back(fmt::format("{}", layer));
    body += report::figure_html(heat_map_svg(map), map.title);
  }
  return section("Layers and modules", "Mean |d| of each kind of tensor in each layer; all maps share one scale.",
                 body);
}

std::string layer_lines(std::span<const ModelShift> shifts) {
  report::LineChart chart{.title = "Mean |d| over the layers",
                          .description = "One line for each model.",
                          .x_name = "layer",
                          .y_name = "mean |d|",
                          .series = {},
                          .level = kNothing,
                          .level_name = {}};
  for (const ModelShift& shift : shifts) {
    report::Series series{.name = shift.model, .x = {}, .y = {}, .low = {}, .high = {}};
    for (const ShiftRow& row : shift_rows(shift, Level::kLayer)) {
      series.x.push_back(row.layer);
      series.y.push_back(row.moments.mean_abs());
    }
    chart.series.push_back(std::move(series));
  }
  return section("Layers", "All tensors of a layer together.", report::figure_html(line_chart_svg(chart), chart.title));
}

std::string mass_lines(std::span<const ModelShift> shifts) {
  report::LineChart chart{.title = "Mass of the shift in the values that moved most",
                          .description = "Share of the sum of |d| over the share of values, the largest first.",
                          .x_name = "largest values, %",
                          .y_name = "share of sum |d|, %",
                          .series = {},
                          .level = kNothing,
                          .level_name = {}};
  for (const ModelShift& shift : shifts) {
    report::Series series{.name = shift.model, .x = {0}, .y = {0}, .low = {}, .high = {}};
    for (std::size_t i = 0; i < shift.curve.size(); ++i) {
      series.x.push_back(100 * shift::kMassShares[i]);
      series.y.push_back(100 * shift.curve[i]);
    }
    chart.series.push_back(std::move(series));
  }
  return section(
      "Concentration",
      "The steeper the start, the fewer values carry the change: what a sparse merge can take back at a low density.",
      report::figure_html(line_chart_svg(chart), chart.title));
}

std::string module_table(std::span<const ModelShift> shifts) {
  report::Table table{.caption = "Mean |d| by kind of module", .header = {"module"}, .rows = {}};
  std::vector<std::map<std::string, double>> by_role;
  std::vector<std::string> roles;
  for (const ModelShift& shift : shifts) {
    table.header.push_back(shift.model);
    by_role.emplace_back();
    for (const ShiftRow& row : shift_rows(shift, Level::kModule)) {
      by_role.back()[row.role] = row.moments.mean_abs();
      if (std::ranges::find(roles, row.role) == roles.end()) roles.push_back(row.role);
    }
  }
  for (const std::string& role : roles) {
    std::vector<std::string> cells{role};
    for (const auto& values : by_role) cells.push_back(values.contains(role) ? number_text(values.at(role), 4) : "");
    table.rows.push_back(std::move(cells));
  }
  return section("Modules", "Over all layers.", table_html(table));
}

std::string head_maps(std::span<const ModelShift> shifts) {
  std::string body;
  double largest = 0;
  std::vector<std::map<std::pair<int, int>, double>> cells;
  for (const ModelShift& shift : shifts) {
    cells.emplace_back();
    for (const ShiftRow& row : shift_rows(shift, Level::kHead)) {
      if (row.role != "attention") continue;
      cells.back()[{row.layer, row.head}] = row.moments.mean_abs();
      largest = std::max(largest, row.moments.mean_abs());
    }
  }
  for (std::size_t i = 0; i < shifts.size(); ++i) {
    if (cells[i].empty()) continue;
    std::set<int> layers, heads;
    for (const auto& [place, value] : cells[i]) layers.insert(place.first), heads.insert(place.second);
    report::HeatMap map{
        .title = shifts[i].model,
        .description =
            fmt::format("Mean absolute shift of each attention head of {}: one row for each layer.", shifts[i].model),
        .unit = "mean |d|",
        .rows = {},
        .columns = {},
        .values = {},
        .largest = largest};
    for (const int head : heads) map.columns.push_back(fmt::format("{}", head));
    for (const int layer : layers) {
      map.rows.push_back(fmt::format("{}", layer));
      for (const int head : heads) {
        const auto cell = cells[i].find({layer, head});
        map.values.push_back(cell == cells[i].end() ? kNothing : cell->second);
      }
    }
    body += report::figure_html(heat_map_svg(map), map.title);
  }
  if (body.empty()) return {};
  return section("Attention heads",
                 "A query head's rows of q, its columns of o, and the rows of k and v that it reads (which several "
                 "heads may share).",
                 body);
}

std::string most_moved(std::span<const ModelShift> shifts) {
  std::string body;
  for (const ModelShift& shift : shifts) {
    std::vector<ShiftRow> rows = shift_rows(shift, Level::kTensor);
    std::ranges::stable_sort(rows, std::ranges::greater(), [](const ShiftRow& row) {
      const double relative = row.moments.relative();
      return std::isfinite(relative) ? relative : 0.0;
    });
    rows.resize(std::min(rows.size(), kMostMoved));
    report::Table table{
        .caption = shift.model, .header = {"tensor", "mean |d|", "|d| / |base|", "cosine", "unchanged"}, .rows = {}};
    for (const ShiftRow& row : rows) {
      table.rows.push_back({row.tensor, number_text(row.moments.mean_abs(), 4), number_text(row.moments.relative(), 4),
                            number_text(row.moments.cosine(), 6), percent_text(row.moments.equal_share())});
    }
    body += table_html(table);
  }
  return section("Tensors that moved most", "By the norm of the shift relative to the base's.", body);
}

std::string notes(std::span<const ModelShift> shifts) {
  std::string items;
  for (const ModelShift& shift : shifts) {
    const family::VocabularyRows& rows = shift.vocabulary;
    items += fmt::format("<li>{}: {} of the base's {} vocabulary rows are shared with the model's {}</li>",
                         escaped(shift.model), rows.shared_rows, rows.base_rows, rows.model_rows);
    for (const std::string& note : shift.notes) items += fmt::format("<li>{}</li>", escaped(note));
  }
  return fmt::format("<section><h2>Notes</h2><ul>{}</ul></section>\n", items);
}

}  // namespace

std::string shift_page(std::span<const ModelShift> shifts) {
  const std::string title = fmt::format("Parameter shift from {}", shifts.empty() ? "" : shifts[0].base);
  std::string body = fmt::format("<h1>{}</h1>\n", escaped(title));
  for (const auto& part :
       {summary, layer_module_maps, layer_lines, module_table, mass_lines, head_maps, most_moved, notes}) {
    body += part(shifts);
  }
  return report::html_page(title, body);
}

}  // namespace cambium::cli
