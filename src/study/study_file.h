#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::study {

using Json = nlohmann::ordered_json;

/// One piece of work on the way to an arm's model.
struct ArmStep {
  enum class Kind {
    kModel,   ///< an existing model: a path or hub name
    kGraft,   ///< a graft file of `cambium graft`
    kTune,    ///< a configuration of `cambium tune`
    kRecipe,  ///< a merge recipe, merged in memory wherever the model is used
    kRun,     ///< any command of cambium that makes ${out}
  };
  Kind kind = Kind::kModel;
  Json body;            ///< text, configuration, recipe, or list of words; with ${...} to be filled in
  bool cached = false;  ///< kept in the user's cache, for every study that needs the same
};

/// A way to treat a base model. What it makes of each base and seed is one model.
struct Arm {
  std::string name;
  std::string title;
  std::string from;  ///< arm whose model it starts from; empty: none
  std::vector<ArmStep> steps;
  std::vector<std::string> bases;     ///< empty: all
  std::vector<std::string> evaluate;  ///< groups of tasks; empty: all
  std::string sweep;                  ///< the sweep it is a point of; empty: none
  std::map<std::string, Json> point;  ///< its values there
  int line = 0;
};

struct TaskGroup {
  std::string name;
  std::string title;
  std::vector<std::string> tasks;
  std::vector<std::string> flags;  ///< of `cambium eval`, besides the study's
};

/// "second is higher than first on these tasks": what a paper leads one to expect.
struct Contrast {
  std::string name;
  std::string first, second;       ///< arms
  std::string group;               ///< of tasks
  std::vector<std::string> tasks;  ///< only these of the group; empty: all
  std::vector<std::string> bases;  ///< empty: all, each by itself
  int expected = 0;                ///< +1: second is higher, -1: lower, 0: no expectation
  std::string note;
};

/// A grid over a recipe's numbers.
struct Sweep {
  std::string name, title;
  std::vector<std::pair<std::string, std::vector<Json>>> grid;
  std::string reference;          ///< arm before (the tuned model) ; its scores stand for "nothing merged"
  std::string target;             ///< arm whose scores are to be regained (the base)
  std::string keep, gain;         ///< groups: to be kept within `within` points, and to be raised
  double within = 1.0;            ///< points of `keep` that may be lost
  std::vector<std::string> arms;  ///< its points
};

/// Another command whose output belongs to the report.
struct Measure {
  std::string name;
  std::string kind;  ///< shift, heads, errors, or text
  std::string title;
  std::vector<std::string> command;
  std::vector<std::string> bases;
};

/// A study as its file says it for one profile.
struct StudyFile {
  std::filesystem::path file;
  std::string name, title, paper, question, profile;
  std::vector<std::string> profiles;
  std::vector<std::int64_t> seeds;
  std::map<std::string, Json> values;                                             ///< ${name}
  std::optional<std::vector<std::string>> world;                                  ///< options of `cambium lab`
  std::vector<std::pair<std::string, std::map<std::string, std::string>>> bases;  ///< name, ${base.KEY}
  std::vector<Arm> arms;
  std::vector<std::string> evaluate;  ///< options of every `cambium eval`
  std::vector<TaskGroup> groups;
  std::vector<Contrast> contrasts;
  std::vector<Sweep> sweeps;
  std::vector<Measure> measures;

  /// @param profile  one of the file's; empty: the first
  /// @param sets     "path=value" changes made after the profile is applied
  /// @throws RecipeError  malformed, an unknown key (with the nearest), an arm, group or base that nobody defines, arms
  ///                      that start from each other; with file and line where the text has one
  [[nodiscard]] static StudyFile read(const std::filesystem::path& file, std::string_view profile,
                                      const std::vector<std::string>& sets = {});
  [[nodiscard]] const Arm& arm(std::string_view name) const;
  [[nodiscard]] const TaskGroup& group(std::string_view name) const;
};

/// "llama, mistral" behind "did you mean": the known names nearest to one that is unknown, else all of them.
[[nodiscard]] std::string known_names(std::string_view unknown, const std::vector<std::string>& known);

}  // namespace cambium::study
