#include "study/size_panel.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "checkpoint/model_folder.h"
#include "report/line_chart.h"
#include "report/markup.h"
#include "tensor/error.h"

namespace cambium::study {
namespace {

// Parameters of the model that the study's first measured arm of a base has; 0: not known.
double parameters_of(const StudyData& data, const std::string& base) {
  for (const Arm& arm : data.study.arms) {
    if (!takes(arm.bases, base) || arm.from != "" || !arm.sweep.empty()) continue;
    const ArmModel* model = data.model_of(arm.name, base, data.study.seeds.front());
    if (model == nullptr || model->model.ends_with(".yml")) continue;
    try {
      const std::filesystem::path folder = data.folder.path() / model->model;
      return static_cast<double>((std::filesystem::exists(folder) ? checkpoint::ModelFolder(folder)
                                                                  : checkpoint::ModelFolder::open(model->model))
                                     .total_parameters());
    } catch (const Error&) {
      // Not made yet, or on another machine: the base has no place on the axis.
      continue;
    }
  }
  return 0;
}

}  // namespace

std::optional<report::Panel> size_panel(const StudyData& data) {
  std::vector<std::pair<double, std::string>> sizes;
  for (const auto& [base, fields] : data.study.bases) {
    if (const double parameters = parameters_of(data, base); parameters > 0) sizes.emplace_back(parameters, base);
  }
  std::ranges::sort(sizes);
  if (sizes.size() < 3 || sizes.back().first < 2 * sizes.front().first) return std::nullopt;
  report::Panel panel{.id = "sizes",
                      .title = "Sizes",
                      .text = "The contrasts over the number of parameters of the language model.",
                      .figures = {},
                      .tables = {}};
  for (const TaskGroup& group : data.study.groups) {
    report::LineChart chart{.title = fmt::format("{}: contrasts over size", group.title),
                            .description = "One line for each contrast, one point for each base.",
                            .x_name = "parameters",
                            .y_name = "difference in points",
                            .series = {},
                            .logarithmic_x = true,
                            .level = 0,
                            .level_name = "no difference"};
    for (const Contrast& contrast : data.study.contrasts) {
      if (contrast.group != group.name) continue;
      report::Series series{.name = contrast.name, .x = {}, .y = {}, .low = {}, .high = {}};
      for (const auto& [parameters, base] : sizes) {
        if (!takes(contrast.bases, base)) continue;
        const Scores::Cell cell = data.scores.difference(base, contrast.first, contrast.second, contrast.group,
                                                         contrast.tasks.empty() ? group.tasks : contrast.tasks);
        if (cell.seeds == 0) continue;
        series.x.push_back(parameters);
        series.y.push_back(cell.estimate.value);
        series.low.push_back(cell.estimate.low);
        series.high.push_back(cell.estimate.high);
      }
      if (series.x.size() >= 3) chart.series.push_back(std::move(series));
    }
    if (chart.series.empty()) continue;
    std::string named;
    for (const auto& [parameters, base] : sizes)
      named += fmt::format("{}{} {}", named.empty() ? "" : ", ", base, report::number_text(parameters));
    panel.figures.push_back({.svg = line_chart_svg(chart),
                             .title = chart.title,
                             .caption = fmt::format("{}, with 95 % intervals. Parameters: {}.", chart.title, named)});
  }
  if (panel.figures.empty()) return std::nullopt;
  return panel;
}

}  // namespace cambium::study
