#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "report/heat_map.h"
#include "report/markup.h"
#include "study/measure_panels.h"

namespace cambium::study {
namespace {

using checkpoint::Json;
using report::number_text;

constexpr std::size_t kMostImportant = 5;
constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

using Place = std::pair<int, int>;  // layer, head

// One model's heads on one task: a value a seed.
struct HeadStudy {
  std::map<Place, std::vector<double>> accuracy, divergence;
  std::vector<double> unmasked;
  std::size_t questions = 0;
};

// "tuned, lab_colour", in the order of the output.
using HeadStudies = std::vector<std::pair<std::string, HeadStudy>>;

HeadStudy& entry(HeadStudies& studies, const std::string& name) {
  const auto found = std::ranges::find(studies, name, &std::pair<std::string, HeadStudy>::first);
  if (found != studies.end()) return found->second;
  return studies.emplace_back(name, HeadStudy{}).second;
}

void add_model(const StudyData& data, const std::string& base, std::int64_t seed, const Json& model,
               HeadStudies& studies) {
  const std::string arm = data.arm_of(model.value("model", "model"), base, seed);
  for (const Json& task : model.value("tasks", Json::array())) {
    HeadStudy& study = entry(studies, fmt::format("{}, {}", arm, task.value("task", "")));
    const double unmasked = task.value("accuracy", 0.0);
    study.unmasked.push_back(100 * unmasked);
    study.questions += task.value("n", std::size_t{0});
    for (const Json& row : task.value("heads", Json::array())) {
      for (const Json& head : row.value("heads", Json::array())) {
        const Place place{row.value("layer", 0), head.get<int>()};
        study.accuracy[place].push_back(100 * (row.value("accuracy", 0.0) - unmasked));
        study.divergence[place].push_back(row.value("kl", 0.0));
      }
    }
  }
}

report::HeatMap map_of(const std::string& title, const std::string& unit, bool diverging,
                       const std::map<Place, std::vector<double>>& values) {
  report::HeatMap map{.title = title,
                      .description = title + ": one row for each layer, one column for each head.",
                      .unit = unit,
                      .rows = {},
                      .columns = {},
                      .values = {},
                      .diverging = diverging};
  int layers = 0;
  int heads = 0;
  for (const auto& [place, seeds] : values) {
    layers = std::max(layers, place.first + 1);
    heads = std::max(heads, place.second + 1);
  }
  for (int head = 0; head < heads; ++head) map.columns.push_back(fmt::format("{}", head));
  for (int layer = 0; layer < layers; ++layer) {
    map.rows.push_back(fmt::format("{}", layer));
    for (int head = 0; head < heads; ++head) {
      const auto found = values.find({layer, head});
      map.values.push_back(found == values.end() ? kNothing : estimate_of_seeds(found->second).value);
    }
  }
  return map;
}

void add_top_heads(const std::string& base, const std::string& name, const HeadStudy& study, report::Table& table) {
  std::vector<std::pair<double, Place>> order;
  for (const auto& [place, seeds] : study.divergence) order.emplace_back(estimate_of_seeds(seeds).value, place);
  std::ranges::stable_sort(order, std::ranges::greater(), &std::pair<double, Place>::first);
  order.resize(std::min(order.size(), kMostImportant));
  for (const auto& [kl, place] : order) {
    table.rows.push_back({fmt::format("{}: {}", base, name), fmt::format("{}.{}", place.first, place.second),
                          estimate_text(estimate_of_seeds(study.divergence.at(place))),
                          estimate_text(estimate_of_seeds(study.accuracy.at(place)))});
  }
}

}  // namespace

std::optional<report::Panel> heads_panel(const StudyData& data) {
  report::Panel panel{.id = "heads",
                      .title = "Attention heads",
                      .text =
                          "Each head's output is replaced by zeros in turn. The divergence says how much the "
                          "probabilities of the options change, the accuracy whether answers do; means over seeds.",
                      .figures = {},
                      .tables = {}};
  report::Table top{.caption = "Heads that matter most",
                    .header = {"model and task", "layer.head", "KL, nats", "accuracy, points"},
                    .rows = {}};
  report::Table agreement{.caption = "Do the same heads matter? Spearman's rank correlation of the divergences",
                          .header = {"compared", "base", "correlation"},
                          .rows = {}};
  for (const Measure& measure : data.study.measures) {
    if (measure.kind != "heads") continue;
    for (const auto& [base, fields] : data.study.bases) {
      HeadStudies studies;
      std::map<std::string, std::vector<double>> correlations;
      for (const StudyData::Output& output : data.outputs(measure, base)) {
        for (const char* part : {"base", "mllm"}) {
          if (output.json.contains(part) && output.json[part].is_object())
            add_model(data, base, output.seed, output.json[part], studies);
        }
        if (output.json.contains("tasks")) add_model(data, base, output.seed, output.json, studies);
        for (const Json& pair : output.json.value("comparisons", Json::array())) {
          correlations[fmt::format("{} and {}", pair.value("first", ""), pair.value("second", ""))].push_back(
              pair.value("spearman", kNothing));
        }
      }
      for (const auto& [name, study] : studies) {
        if (study.accuracy.empty()) continue;
        const std::string where = fmt::format("{}: {} ({})", measure.title, name, base);
        const std::string told = fmt::format("{} questions over {} seed{}; with all heads {} points.", study.questions,
                                             study.unmasked.size(), study.unmasked.size() == 1 ? "" : "s",
                                             number_text(estimate_of_seeds(study.unmasked).value));
        panel.figures.push_back(
            {.svg = heat_map_svg(map_of(where + ", change of accuracy", "points", true, study.accuracy)),
             .title = where + ", change of accuracy",
             .caption = "Change of accuracy, in points, when a head is switched off: rows are layers, columns heads. " +
                        told});
        panel.figures.push_back(
            {.svg = heat_map_svg(map_of(where + ", divergence", "KL, nats", false, study.divergence)),
             .title = where + ", divergence",
             .caption = "Divergence of the options' probabilities when a head is switched off."});
        add_top_heads(base, name, study, top);
      }
      for (const auto& [pair, values] : correlations)
        agreement.rows.push_back({pair, base, estimate_text(estimate_of_seeds(values))});
    }
  }
  if (panel.figures.empty()) return std::nullopt;
  panel.tables.push_back(std::move(top));
  if (!agreement.rows.empty()) panel.tables.push_back(std::move(agreement));
  return panel;
}

}  // namespace cambium::study
