#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "report/heat_map.h"
#include "report/markup.h"
#include "study/measure_panels.h"

namespace cambium::study {
namespace {

using checkpoint::Json;

constexpr double kNoShift = std::numeric_limits<double>::quiet_NaN();

struct Sum {
  double weighted = 0;
  double elements = 0;
  void add(const Json& row) {
    const double count = row.value("elements", 1.0);
    weighted += row.value("mean_abs", 0.0) * count;
    elements += count;
  }
  [[nodiscard]] double mean() const { return elements > 0 ? weighted / elements : kNoShift; }
};

const Json& rows_of(const Json& output) {
  static const Json kNone = Json::array();
  if (output.is_array()) return output;
  const auto found = output.find("rows");
  return found == output.end() ? kNone : *found;
}

// Rows of single tensors add up to the whole; rows of layers and heads would count values twice.
bool is_tensor(const Json& row) { return row.value("level", "tensor") == "tensor"; }

struct ArmShift {
  std::vector<double> whole;                          // mean |d|, one a seed
  std::map<std::pair<int, std::string>, Sum> places;  // layer, role
};

std::map<std::string, ArmShift> shifts_of(const StudyData& data, const Measure& measure, const std::string& base) {
  std::map<std::string, ArmShift> arms;
  for (const StudyData::Output& output : data.outputs(measure, base)) {
    std::map<std::string, Sum> whole;
    for (const Json& row : rows_of(output.json)) {
      if (!is_tensor(row)) continue;
      const std::string arm = data.arm_of(row.value("model", "model"), base, output.seed);
      whole[arm].add(row);
      if (row.contains("layer") && row["layer"].is_number_integer() && row.contains("role") && row["role"].is_string())
        arms[arm].places[{row["layer"].get<int>(), row["role"].get<std::string>()}].add(row);
    }
    for (const auto& [arm, sum] : whole) arms[arm].whole.push_back(sum.mean());
  }
  return arms;
}

report::HeatMap map_of(const Measure& measure, const std::string& base, const std::string& arm, const ArmShift& shift) {
  report::HeatMap map{.title = fmt::format("{}: {} ({})", measure.title, arm, base),
                      .description = "Mean absolute shift: one row for each layer, one column for each kind of tensor.",
                      .unit = "mean |d|",
                      .rows = {},
                      .columns = {},
                      .values = {}};
  std::set<int> layers;
  std::set<std::string> roles;
  for (const auto& [place, sum] : shift.places) {
    layers.insert(place.first);
    roles.insert(place.second);
  }
  map.columns.assign(roles.begin(), roles.end());
  for (const int layer : layers) {
    map.rows.push_back(fmt::format("{}", layer));
    for (const std::string& role : roles) {
      const auto found = shift.places.find({layer, role});
      map.values.push_back(found == shift.places.end() ? kNoShift : found->second.mean());
    }
  }
  return map;
}

}  // namespace

std::optional<report::Panel> shift_panel(const StudyData& data) {
  report::Panel panel{.id = "shift",
                      .title = "Parameter shift",
                      .text =
                          "How far tuning moved the language model: the mean absolute difference of its weights, over "
                          "all seeds.",
                      .figures = {},
                      .tables = {}};
  std::vector<report::HeatMap> maps;
  report::Table table{.caption = "Mean |d| of all language tensors, in thousandths",
                      .header = {"measure", "base", "model", "mean |d| x 1000"},
                      .rows = {}};
  for (const Measure& measure : data.study.measures) {
    if (measure.kind != "shift") continue;
    for (const auto& [base, fields] : data.study.bases) {
      for (const auto& [arm, shift] : shifts_of(data, measure, base)) {
        std::vector<double> thousandths;
        for (const double value : shift.whole) thousandths.push_back(1000 * value);
        table.rows.push_back({measure.title, base, arm, estimate_text(estimate_of_seeds(thousandths))});
        if (!shift.places.empty()) maps.push_back(map_of(measure, base, arm, shift));
      }
    }
  }
  if (table.rows.empty()) return std::nullopt;
  double largest = 0;
  for (const report::HeatMap& map : maps) {
    for (const double value : map.values) largest = value > largest ? value : largest;
  }
  for (report::HeatMap& map : maps) {
    map.largest = largest;
    panel.figures.push_back(
        {.svg = heat_map_svg(map),
         .title = map.title,
         .caption = map.title + ". Rows are layers, columns kinds of tensors; the maps share a scale."});
  }
  panel.tables.push_back(std::move(table));
  return panel;
}

std::vector<double> shift_of(const StudyData& data, const std::string& base, const std::string& from,
                             const std::string& arm) {
  std::vector<double> values;
  std::set<std::int64_t> seen;
  for (const Measure& measure : data.study.measures) {
    if (measure.kind != "shift") continue;
    for (const StudyData::Output& output : data.outputs(measure, base)) {
      if (!output.json.is_object() || seen.contains(output.seed) ||
          data.arm_of(output.json.value("base", ""), base, output.seed) != from)
        continue;
      Sum sum;
      for (const Json& row : rows_of(output.json)) {
        if (is_tensor(row) && data.arm_of(row.value("model", ""), base, output.seed) == arm) sum.add(row);
      }
      if (sum.elements == 0) continue;
      seen.insert(output.seed);
      values.push_back(sum.mean());
    }
  }
  return values;
}

}  // namespace cambium::study
