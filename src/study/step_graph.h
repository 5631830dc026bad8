#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "study/step.h"
#include "study/study_file.h"

namespace cambium::study {

/// The model of an arm for one base and seed.
struct ArmModel {
  std::string arm, base;
  std::int64_t seed = 0;
  std::string model;               ///< path for commands: a folder, or a recipe's file
  std::vector<std::string> needs;  ///< steps that make it
};

/// An evaluation of an arm's model on a group of tasks: the name of its run in results.db.
struct EvalRun {
  std::string arm, base, group, run_name, step;
  std::int64_t seed = 0;
};

/// Where a measure's output is.
struct MeasureRun {
  std::string measure, base, step;
  std::int64_t seed = 0;
};

struct StepGraph {
  std::vector<Step> steps;  ///< each behind those it needs
  std::vector<ArmModel> models;
  std::vector<EvalRun> evaluations;
  std::vector<MeasureRun> measures;
  [[nodiscard]] const Step& step(std::string_view name) const;
};

/// All work of a study. In texts of the study these stand for something: ${seed}, ${world} (the world's folder),
/// ${here} (the folder of the study file), ${base.KEY}, ${from} or ${model} (the model so far), ${arm.NAME} (another
/// arm's model), ${out} (what this step makes), ${NAME} of `values`.
/// @throws RecipeError  an unknown ${...}, arms that need each other
[[nodiscard]] StepGraph step_graph(const StudyFile& study);

}  // namespace cambium::study
