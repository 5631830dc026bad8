#include "study/step_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "study/placeholder.h"
#include "tensor/error.h"

namespace cambium::study {
namespace {

namespace fs = std::filesystem;

// Raise it when a step's meaning changes although its words do not.
constexpr std::string_view kFormat = "cambium study 1";
constexpr int kDeepestValue = 16;

// Names, sizes and times of the files of a model or data that the study did not make.
std::string outside_signature(const std::string& path, const fs::path& relative_to) {
  const fs::path place = fs::path(path).is_absolute() ? fs::path(path) : relative_to / path;
  std::error_code ignored;
  std::string signature;
  const auto add = [&](const fs::path& file) {
    const auto time = fs::last_write_time(file, ignored).time_since_epoch().count();
    signature += fmt::format("{} {} {}\n", file.filename().string(), fs::file_size(file, ignored), time);
  };
  if (fs::is_directory(place, ignored)) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(place, ignored)) {
      if (entry.is_regular_file(ignored)) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    for (const fs::path& file : files) add(file);
  } else if (fs::is_regular_file(place, ignored)) {
    add(place);
  }
  return signature;
}

class GraphBuilder {
 public:
  explicit GraphBuilder(const StudyFile& study) : study_(study) {}

  StepGraph build() {
    for (const std::int64_t seed : study_.seeds) {
      for (const auto& [base, fields] : study_.bases) {
        for (const Arm& arm : study_.arms) {
          if (takes(arm.bases, base)) add_evaluations(arm, base, seed);
        }
        for (const Measure& measure : study_.measures) {
          if (takes(measure.bases, base)) add_measure(measure, base, seed);
        }
      }
    }
    return std::move(graph_);
  }

 private:
  static bool takes(const std::vector<std::string>& bases, const std::string& base) {
    return bases.empty() || std::ranges::find(bases, base) != bases.end();
  }
  static void add_new(std::vector<std::string>& to, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (std::ranges::find(to, name) == to.end()) to.push_back(name);
    }
  }

  // What a text of the study may name, and which steps it then needs.
  struct Scope {
    std::string base;
    std::int64_t seed = 0;
    std::string model, out, owner;
    std::vector<std::string> needs;
    std::string signature;
    int depth = 0;  ///< of values within values
  };
  Json value_of(std::string_view name, Scope& scope) {
    if (name == "seed") return scope.seed;
    if (name == "world") {
      add_new(scope.needs, {world_step(scope.seed)});
      return world_folder(scope.seed);
    }
    if (name == "here") return fs::absolute(study_.file).parent_path().string();
    if (name == "out" && !scope.out.empty()) return scope.out;
    if ((name == "model" || name == "from") && !scope.model.empty()) return scope.model;
    if (name.starts_with("base.")) {
      const std::string key(name.substr(5));
      for (const auto& [base, fields] : study_.bases) {
        if (base != scope.base) continue;
        const auto found = fields.find(key);
        if (found != fields.end()) return filled_in_text(found->second, lookup(scope));
        std::vector<std::string> keys;
        for (const auto& [each, value] : fields) keys.push_back(each);
        throw RecipeError(
            fmt::format("{}: the base '{}' has no '{}'{}", where(scope), base, key, known_names(key, keys)));
      }
    }
    if (name.starts_with("arm.")) {
      const std::string wanted(name.substr(4));
      const ArmModel& other = model_of(wanted, scope.base, scope.seed, scope.owner);
      add_new(scope.needs, other.needs);
      return other.model;
    }
    if (name.starts_with("run.")) return run_of(name.substr(4), scope);
    if (const auto found = study_.values.find(std::string(name)); found != study_.values.end()) {
      if (scope.depth >= kDeepestValue)
        throw RecipeError(fmt::format("{}: ${{{}}} stands for itself", where(scope), name));
      ++scope.depth;
      Json value = filled_in(found->second, lookup(scope));
      --scope.depth;
      return value;
    }
    std::vector<std::string> known{"seed", "world", "here", "base.model", "from", "model", "out"};
    for (const auto& [key, value] : study_.values) known.push_back(key);
    for (const Arm& arm : study_.arms) {
      if (arm.sweep.empty()) known.push_back("arm." + arm.name);
    }
    throw RecipeError(fmt::format("{}: nothing is called ${{{}}}{}", where(scope), name, known_names(name, known)));
  }
  // ${run.ARM.GROUP}: the name in results.db of what an arm answered to a group of tasks. Known once all arms are
  // built.
  std::string run_of(std::string_view name, Scope& scope) const {
    const auto dot = name.rfind('.');
    const std::string_view arm = name.substr(0, dot);
    const std::string_view group = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
    std::vector<std::string> known;
    for (const EvalRun& run : graph_.evaluations) {
      if (run.base != scope.base || run.seed != scope.seed) continue;
      if (run.arm == arm && run.group == group) {
        add_new(scope.needs, {run.step});
        return run.run_name;
      }
      known.push_back(fmt::format("run.{}.{}", run.arm, run.group));
    }
    throw RecipeError(fmt::format("{}: no evaluation is called ${{run.{}}} (run.ARM.GROUP, in measures){}",
                                  where(scope), name, known_names(fmt::format("run.{}", name), known)));
  }
  Lookup lookup(Scope& scope) {
    return [this, &scope](std::string_view name) { return value_of(name, scope); };
  }
  std::string where(const Scope& scope) const { return fmt::format("{}: {}", study_.file.string(), scope.owner); }

  std::string world_folder(std::int64_t seed) const {
    return world_by_seed() ? fmt::format("world-s{}", seed) : "world";
  }
  bool world_by_seed() const {
    return std::ranges::any_of(*study_.world, [](const std::string& word) { return mentions(word, "seed"); });
  }
  std::string world_step(std::int64_t seed) {
    if (!study_.world)
      throw RecipeError(fmt::format("{}: ${{world}} is used, but the study has no 'world'", study_.file.string()));
    const std::string folder = world_folder(seed);
    if (names_.contains(folder)) return folder;
    Scope scope{.base = {},
                .seed = seed,
                .model = {},
                .out = folder,
                .owner = "world",
                .needs = {},
                .signature = {},
                .depth = 0};
    Step step{.name = folder,
              .kind = "world",
              .command = {"lab", folder},
              .needs = {},
              .files = {},
              .output = folder,
              .cached = true,
              .inputs = {}};
    for (const std::string& word : *study_.world) step.command.push_back(filled_in_text(word, lookup(scope)));
    add(std::move(step), scope);
    return folder;
  }

  void add(Step step, const Scope& scope) {
    std::string inputs = fmt::format("{}\n{}\n", kFormat, step.kind);
    for (const std::string& word : step.command) inputs += word + "\n";
    for (const auto& [name, text] : step.files) inputs += name + "\n" + text + "\n";
    inputs += scope.signature;
    add_new(step.needs, scope.needs);
    for (const std::string& need : step.needs) inputs += checkpoint::to_string(graph_.step(need).inputs) + "\n";
    step.inputs = checkpoint::hash_text(inputs);
    names_.insert(step.name);
    graph_.steps.push_back(std::move(step));
  }

  const ArmModel& model_of(const std::string& arm_name, const std::string& base, std::int64_t seed,
                           const std::string& owner) {
    const std::string key = fmt::format("{}/s{}/{}", base, seed, arm_name);
    if (const auto found = models_.find(key); found != models_.end()) return found->second;
    if (!open_.insert(key).second) {
      throw RecipeError(
          fmt::format("{}: the arm '{}' needs itself (through {})", study_.file.string(), arm_name, owner));
    }
    std::vector<std::string> arms;
    for (const Arm& arm : study_.arms) {
      if (arm.sweep.empty()) arms.push_back(arm.name);
    }
    const auto found = std::ranges::find(study_.arms, arm_name, &Arm::name);
    if (found == study_.arms.end()) {
      throw RecipeError(fmt::format("{}: {}: there is no arm '{}'{}", study_.file.string(), owner, arm_name,
                                    known_names(arm_name, arms)));
    }
    ArmModel made = make_model(*found, base, seed, key);
    open_.erase(key);
    graph_.models.push_back(made);
    return models_.emplace(key, std::move(made)).first->second;
  }

  ArmModel make_model(const Arm& arm, const std::string& base, std::int64_t seed, const std::string& key) {
    Scope scope{.base = base,
                .seed = seed,
                .model = {},
                .out = {},
                .owner = fmt::format("arm '{}'", arm.name),
                .needs = {},
                .signature = {},
                .depth = 0};
    if (!arm.from.empty()) {
      const ArmModel& before = model_of(arm.from, base, seed, scope.owner);
      scope.model = before.model;
      scope.needs = before.needs;
    }
    for (std::size_t i = 0; i < arm.steps.size(); ++i) {
      const ArmStep& body = arm.steps[i];
      const bool last = i + 1 == arm.steps.size();
      const std::string id = last ? key : fmt::format("{}.{}", key, i + 1);
      switch (body.kind) {
        case ArmStep::Kind::kModel:
          scope.model = filled_in_text(body.body.get<std::string>(), lookup(scope));
          scope.signature += outside_signature(scope.model, ".");
          break;
        case ArmStep::Kind::kRecipe: {
          const std::string file = fmt::format("recipes/{}.yml", id);
          const std::string text = filled_in(body.body, lookup(scope)).dump(2) + "\n";
          // Two arms with one recipe are one model: it is evaluated once.
          const std::pair<std::string, std::string> recipe{text, scope.signature};
          const auto same = std::ranges::find_if(recipes_, [&](const auto& each) { return each.second == recipe; });
          scope.model = same != recipes_.end() ? same->first : file;
          recipes_.try_emplace(scope.model, recipe);
          break;
        }
        case ArmStep::Kind::kGraft:
        case ArmStep::Kind::kTune:
        case ArmStep::Kind::kRun:
          add_arm_step(body, id, scope);
          break;
      }
    }
    if (!scope.signature.empty()) signatures_[key] = scope.signature;
    return {.arm = arm.name, .base = base, .seed = seed, .model = scope.model, .needs = scope.needs};
  }

  void add_arm_step(const ArmStep& body, const std::string& id, Scope& scope) {
    scope.out = "models/" + id;
    Step step{.name = {},
              .kind = {},
              .command = {},
              .needs = {},
              .files = {},
              .output = scope.out,
              .cached = body.cached,
              .inputs = {}};
    if (body.kind == ArmStep::Kind::kRun) {
      step.kind = "run";
      for (const Json& word : body.body) {
        const Json filled = filled_in(word, lookup(scope));
        step.command.push_back(filled.is_string() ? filled.get<std::string>() : filled.dump());
      }
      step.name = fmt::format("{}/{}", id, step.command.empty() ? "run" : step.command[0]);
    } else {
      step.kind = body.kind == ArmStep::Kind::kTune ? "tune" : "graft";
      step.name = fmt::format("{}/{}", id, step.kind);
      const std::string file = fmt::format("configs/{}.{}.yml", id, step.kind);
      step.files[file] = filled_in(body.body, lookup(scope)).dump(2) + "\n";
      step.command = {step.kind, file};
      if (step.kind == "graft") step.command.insert(step.command.end(), {"-o", scope.out});
      if (step.kind == "tune") step.command.emplace_back("--json");
    }
    add_recipes(step);
    const std::string name = step.name;
    add(std::move(step), scope);
    scope.needs = {name};
    scope.model = scope.out;
    scope.out.clear();
    scope.signature.clear();
  }

  // A command that names a recipe reads its file: the text belongs to the step.
  void add_recipes(Step& step) {
    for (bool more = true; more;) {
      more = false;
      std::string all = fmt::format("{}", fmt::join(step.command, "\n"));
      for (const auto& [name, text] : step.files) all += "\n" + text;
      for (const auto& [file, recipe] : recipes_) {
        if (!step.files.contains(file) && all.find(file) != std::string::npos) {
          step.files[file] = recipe.first;
          more = true;
        }
      }
    }
  }

  void add_evaluations(const Arm& arm, const std::string& base, std::int64_t seed) {
    const ArmModel model = model_of(arm.name, base, seed, "arm '" + arm.name + "'");
    for (const TaskGroup& group : study_.groups) {
      if (!takes(arm.evaluate, group.name)) continue;
      const std::string run = fmt::format("{}/s{}/{}/{}", base, seed, arm.name, group.name);
      const auto [known, fresh] = evaluated_.try_emplace(model.model + "\n" + group.name, run);
      if (!fresh) {
        graph_.evaluations.push_back({.arm = arm.name,
                                      .base = base,
                                      .group = group.name,
                                      .run_name = known->second,
                                      .step = known->second + "/eval",
                                      .seed = seed});
        continue;
      }
      Scope scope{.base = base,
                  .seed = seed,
                  .model = model.model,
                  .out = {},
                  .owner = "evaluate",
                  .needs = model.needs,
                  .signature = {},
                  .depth = 0};
      if (const auto found = signatures_.find(fmt::format("{}/s{}/{}", base, seed, arm.name));
          found != signatures_.end()) {
        scope.signature = found->second;
      }
      Step step{.name = run + "/eval",
                .kind = "eval",
                .command = {"eval", model.model, "--tasks", fmt::format("{}", fmt::join(group.tasks, ","))},
                .needs = {},
                .files = {},
                .output = {},
                .cached = false,
                .inputs = {}};
      for (const auto* flags : {&study_.evaluate, &group.flags}) {
        for (const std::string& flag : *flags) step.command.push_back(filled_in_text(flag, lookup(scope)));
      }
      for (const char* word : {"--store", "results.db", "--run_name"}) step.command.emplace_back(word);
      step.command.push_back(run);
      add_recipes(step);
      const std::string name = step.name;
      add(std::move(step), scope);
      graph_.evaluations.push_back(
          {.arm = arm.name, .base = base, .group = group.name, .run_name = run, .step = name, .seed = seed});
    }
  }

  void add_measure(const Measure& measure, const std::string& base, std::int64_t seed) {
    const std::string id = fmt::format("{}/s{}/{}", base, seed, measure.name);
    Scope scope{.base = base,
                .seed = seed,
                .model = {},
                .out = {},
                .owner = "measure '" + measure.name + "'",
                .needs = {},
                .signature = {},
                .depth = 0};
    Step step{.name = id + "/measure",
              .kind = "measure",
              .command = {},
              .needs = {},
              .files = {},
              .output = {},
              .cached = false,
              .inputs = {}};
    for (const std::string& word : measure.command) step.command.push_back(filled_in_text(word, lookup(scope)));
    add_recipes(step);
    const std::string name = step.name;
    add(std::move(step), scope);
    graph_.measures.push_back({.measure = measure.name, .base = base, .step = name, .seed = seed});
  }

  const StudyFile& study_;
  StepGraph graph_;
  std::set<std::string> names_, open_;
  std::map<std::string, ArmModel> models_;
  std::map<std::string, std::pair<std::string, std::string>> recipes_;  ///< file: text, signature of what is outside
  std::map<std::string, std::string> signatures_;
  std::map<std::string, std::string> evaluated_;  ///< model and group: name of the run
};

}  // namespace

const Step& StepGraph::step(std::string_view name) const {
  const auto found = std::ranges::find(steps, name, &Step::name);
  if (found == steps.end()) {
    std::vector<std::string> known;
    for (const Step& each : steps) known.push_back(each.name);
    const std::string near = known_names(name, known);
    throw UsageError(fmt::format("there is no step '{}'{}", name,
                                 known.size() > 12 && near.starts_with(";") ? "; --dry-run lists them" : near));
  }
  return *found;
}

StepGraph step_graph(const StudyFile& study) { return GraphBuilder(study).build(); }

}  // namespace cambium::study
