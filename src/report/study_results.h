#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "report/forest_plot.h"
#include "report/table.h"

namespace cambium::report {

/// A score over samples and seeds, in points (0 to 100), with its interval.
struct ScoreCell {
  double value = 0, low = 0, high = 0;
  std::size_t samples = 0, seeds = 0;  ///< 0 seeds: not measured
};

/// One model (an arm on a base) in the table of scores.
struct ScoreRow {
  std::string base, arm;
  std::vector<ScoreCell> groups;  ///< one a group of tasks
  std::vector<ScoreCell> tasks;   ///< one a task, in the groups' order
};

/// A contrast with all that is said of it.
struct ContrastResult {
  Contrast plot;
  std::string base, first, second, group, verdict;  ///< verdict: "as expected", "opposite", "not told apart", "open"
  double p_value = 1, adjusted_p = 1;
  std::size_t samples = 0, seeds = 0;
  std::string note;
};

/// A chart with what is said below it.
struct Figure {
  std::string svg;
  std::string title;
  std::string caption;
};

/// A section of the report.
struct Panel {
  std::string id;  ///< of the section, for links
  std::string title, text;
  std::vector<Figure> figures;
  std::vector<Table> tables;
};

/// A sweep: its curves, its front, and the point chosen on one half of the samples and confirmed on the other.
struct SweepResult {
  std::string title, base;
  std::vector<Figure> figures;
  std::string choice;  ///< a sentence with the numbers
};

/// A sample whose answer changed between two models.
struct FlipExample {
  std::string base, task, question, first_answer, second_answer, target;
  std::string first_arm, second_arm;
  bool gained = false;       ///< wrong before, right after
  std::string picture;       ///< a small picture file's bytes; empty: none
  std::string picture_type;  ///< "png", "jpeg", "gif"
};

/// How one number can be made again. Commands run in the study's folder.
struct StepRow {
  std::string name, state, command, message;
  std::string part;         ///< which model it belongs to: "llama / tuned"
  bool first_seed = false;  ///< other seeds' commands are the same but for the seed
  double seconds = 0;
};

/// Everything a study's report says; made by study/, shown by study_page.h.
struct StudyResults {
  std::string name, title, paper, question, profile, command;
  std::string interval;                                    ///< what the intervals cover, in a sentence
  std::string headline;                                    ///< how many expectations came true
  std::vector<std::string> abstract;                       ///< sentences with the measured numbers
  std::vector<std::string> missing;                        ///< what is not there, and why
  std::vector<std::string> groups;                         ///< titles
  std::vector<std::pair<std::string, std::size_t>> tasks;  ///< name, index of its group
  std::vector<std::pair<std::string, std::string>> arms;   ///< name, title
  std::vector<ScoreRow> scores;
  std::vector<ContrastResult> contrasts;
  std::vector<SweepResult> sweeps;
  std::vector<Panel> panels;
  std::vector<FlipExample> flips;
  std::vector<StepRow> steps;
  std::vector<std::string> by_hand;  ///< lines that make a table's number again, with comments
  std::size_t seeds = 0;
  std::vector<std::pair<std::string, std::string>> environment;
};

}  // namespace cambium::report
