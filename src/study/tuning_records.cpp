#include "study/tuning_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "checkpoint/json.h"

namespace cambium::study {
namespace {

struct Record {
  std::string base, arm;
  checkpoint::Json told;
};

std::vector<Record> read_records(const StudyFile& study, const StepGraph& graph, const StudyFolder& folder,
                                 const std::set<std::string>& done) {
  std::vector<Record> records;
  for (const Step& step : graph.steps) {
    const std::filesystem::path file = folder.step_path(step.name) / "stdout";
    if (step.kind != "tune" || !done.contains(step.name) || !std::filesystem::exists(file) ||
        std::filesystem::is_empty(file))
      continue;
    // BASE/sSEED/ARM/tune
    const auto first = step.name.find('/');
    const auto second = step.name.find('/', first + 1);
    if (step.name.substr(first, second - first) != fmt::format("/s{}", study.seeds.front())) continue;
    records.push_back({.base = step.name.substr(0, first),
                       .arm = step.name.substr(second + 1, step.name.rfind('/') - second - 1),
                       .told = checkpoint::read_json(file)});
  }
  return records;
}

report::StackedBars mixture_bars(const std::vector<Record>& records) {
  report::StackedBars bars{.title = "Realised mixtures",
                           .description = "One bar for each tuning run: the share of its training tokens by source.",
                           .unit = "% of tokens",
                           .parts = {},
                           .bars = {},
                           .values = {}};
  for (const Record& record : records) {
    for (const auto& source : record.told.value("sources", checkpoint::Json::array())) {
      const std::string name = source.value("name", "");
      if (std::ranges::find(bars.parts, name) == bars.parts.end()) bars.parts.push_back(name);
    }
  }
  for (const Record& record : records) {
    bars.bars.push_back(fmt::format("{} / {}", record.base, record.arm));
    std::map<std::string, double> shares;
    for (const auto& source : record.told.value("sources", checkpoint::Json::array()))
      shares[source.value("name", "")] = 100 * source.value("realised", 0.0);
    for (const std::string& part : bars.parts) bars.values.push_back(shares[part]);
  }
  return bars;
}

}  // namespace

void add_tuning_records(const StudyFile& study, const StepGraph& graph, const StudyFolder& folder,
                        const std::set<std::string>& done, report::StudyResults& results) {
  const std::vector<Record> records = read_records(study, graph, folder, done);
  if (records.empty()) return;
  results.mixtures.push_back(mixture_bars(records));
  std::map<std::string, report::LineChart> charts;
  for (const Record& record : records) {
    for (const auto& curve : record.told.value("curves", checkpoint::Json::array())) {
      const std::string title = fmt::format("{} ({})", curve.value("name", ""), record.base);
      report::LineChart& chart = charts[title];
      chart.title = title;
      chart.description = "One line for each tuning run, over the tokens it has seen.";
      chart.x_name = "tokens";
      chart.y_name = curve.value("name", "");
      chart.level = std::numeric_limits<double>::quiet_NaN();
      report::Series series{.name = record.arm, .x = {}, .y = {}, .low = {}, .high = {}};
      for (const auto& point : curve.value("points", checkpoint::Json::array())) {
        series.x.push_back(point.at(0).get<double>());
        series.y.push_back(point.at(1).get<double>());
      }
      chart.series.push_back(std::move(series));
    }
  }
  for (auto& [title, chart] : charts) results.forgetting.push_back(std::move(chart));
  report::Table speed{.caption = "Tuning runs",
                      .header = {"run", "steps", "tokens", "learned", "first loss", "last loss", "seconds"},
                      .rows = {}};
  for (const Record& record : records) {
    const checkpoint::Json& told = record.told;
    speed.rows.push_back({fmt::format("{} / {}", record.base, record.arm), fmt::format("{}", told.value("steps", 0)),
                          fmt::format("{}", told.value("tokens", 0)), fmt::format("{}", told.value("supervised", 0)),
                          fmt::format("{:.3f}", told.value("first_loss", 0.0)),
                          fmt::format("{:.3f}", told.value("last_loss", 0.0)),
                          fmt::format("{:.0f}", told.value("seconds", 0.0))});
  }
  results.tables.push_back(std::move(speed));
}

}  // namespace cambium::study
