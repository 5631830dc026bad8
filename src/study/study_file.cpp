#include "study/study_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "study/placeholder.h"
#include "study/yaml_json.h"
#include "tensor/error.h"
#include "text/jinja_nearest.h"

namespace cambium::study {
namespace {

const Json kNoList = Json::array();
const Json kNoMapping = Json::object();

// Reads one study; every message begins with the file and the line.
class StudyReader {
 public:
  StudyReader(const std::filesystem::path& file, std::string_view profile, const std::vector<std::string>& sets)
      : yaml_(read_yaml_json(file)) {
    study_.file = file;
    choose_profile(profile);
    for (const std::string& set : sets) apply_set(set);
  }

  StudyFile read() {
    const Json& root = yaml_.value;
    check_keys(root, "",
               {"study", "title", "paper", "question", "profiles", "seeds", "values", "world", "bases", "arms",
                "evaluate", "tasks", "contrasts", "sweeps", "measures"});
    study_.name = text(root, "", "study");
    study_.title = root.contains("title") ? text(root, "", "title") : study_.name;
    if (root.contains("paper")) study_.paper = text(root, "", "paper");
    if (root.contains("question")) study_.question = text(root, "", "question");
    study_.seeds = {1};
    if (root.contains("seeds")) {
      study_.seeds.clear();
      for (const Json& seed : list(root, "", "seeds")) {
        if (!seed.is_number_integer()) refuse("seeds", "a seed is a whole number");
        study_.seeds.push_back(seed.get<std::int64_t>());
      }
      if (study_.seeds.empty()) refuse("seeds", "a study needs at least one seed");
    }
    for (const auto& [key, value] : object(root, "", "values").items()) study_.values[key] = value;
    if (root.contains("world") && !root["world"].is_null()) read_world(object(root, "", "world"));
    read_bases(object(root, "", "bases"));
    study_.evaluate = words(root, "", "evaluate");
    read_groups(object(root, "", "tasks"));
    for (const auto& [name, body] : object(root, "", "arms").items()) read_arm(name, body);
    for (const auto& [name, body] : object(root, "", "sweeps").items()) {
      if (!body.is_null()) read_sweep(name, body);
    }
    if (root.contains("contrasts")) read_contrasts(list(root, "", "contrasts"));
    for (const auto& [name, body] : object(root, "", "measures").items()) {
      if (!body.is_null()) read_measure(name, body);
    }
    check_references();
    return std::move(study_);
  }

 private:
  [[noreturn]] void refuse(const std::string& path, std::string_view message) const {
    const int line = yaml_.line(path);
    throw RecipeError(
        fmt::format("{}{}: {}", study_.file.string(), line > 0 ? fmt::format(" line {}", line) : "", message));
  }
  static std::string below(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
  }
  void check_keys(const Json& map, const std::string& path, const std::vector<std::string>& known) const {
    for (const auto& [key, value] : map.items()) {
      if (std::ranges::find(known, key) == known.end()) {
        refuse(below(path, key), fmt::format("unknown key '{}'{}", key, known_names(key, known)));
      }
    }
  }
  std::string text(const Json& map, const std::string& path, const std::string& key) const {
    if (!map.contains(key)) refuse(path, fmt::format("'{}' is missing", below(path, key)));
    const Json& value = map[key];
    if (value.is_structured() || value.is_null()) refuse(below(path, key), fmt::format("'{}' must be a text", key));
    return value.is_string() ? value.get<std::string>() : value.dump();
  }
  const Json& list(const Json& map, const std::string& path, const std::string& key) const {
    if (!map.contains(key) || map[key].is_null()) return kNoList;
    if (!map[key].is_array()) refuse(below(path, key), fmt::format("'{}' must be a list", key));
    return map[key];
  }
  const Json& object(const Json& map, const std::string& path, const std::string& key) const {
    if (!map.contains(key) || map[key].is_null()) return kNoMapping;
    if (!map[key].is_object()) refuse(below(path, key), fmt::format("'{}' must be a mapping", key));
    return map[key];
  }
  std::vector<std::string> words(const Json& map, const std::string& path, const std::string& key) const {
    std::vector<std::string> out;
    if (map.contains(key) && map[key].is_string()) return {map[key].get<std::string>()};
    for (const Json& each : list(map, path, key)) {
      if (each.is_structured() || each.is_null())
        refuse(below(path, key), fmt::format("'{}' must be a list of words", key));
      out.push_back(each.is_string() ? each.get<std::string>() : each.dump());
    }
    return out;
  }

  // A profile's mapping is laid over the study: mappings join, everything else is replaced, null removes.
  void choose_profile(std::string_view wanted) {
    const Json profiles = object(yaml_.value, "", "profiles");
    for (const auto& [name, body] : profiles.items()) study_.profiles.push_back(name);
    if (study_.profiles.empty()) {
      if (!wanted.empty()) refuse("", fmt::format("there is no profile '{}': the study has no profiles", wanted));
      return;
    }
    study_.profile = wanted.empty() ? study_.profiles.front() : std::string(wanted);
    if (!profiles.contains(study_.profile)) {
      refuse("profiles",
             fmt::format("there is no profile '{}'{}", study_.profile, known_names(study_.profile, study_.profiles)));
    }
    const Json& body = profiles[study_.profile];
    if (body.is_object()) {
      check_keys(body, "profiles." + study_.profile,
                 {"title", "seeds", "values", "world", "bases", "arms", "evaluate", "tasks", "contrasts", "sweeps",
                  "measures"});
      lay_over(yaml_.value, body);
    } else if (!body.is_null()) {
      refuse("profiles." + study_.profile, "a profile is a mapping of what it changes");
    }
  }
  static void lay_over(Json& under, const Json& over) {
    for (const auto& [key, value] : over.items()) {
      if (value.is_object() && under.contains(key) && under[key].is_object()) {
        lay_over(under[key], value);
      } else if (value.is_null() && under.is_object()) {
        under.erase(key);
      } else {
        under[key] = value;
      }
    }
  }
  void apply_set(const std::string& set) {
    const auto equals = set.find('=');
    if (equals == std::string::npos) throw UsageError(fmt::format("--set {}: expected path=value", set));
    Json* at = &yaml_.value;
    std::string path = set.substr(0, equals);
    for (std::size_t begin = 0; begin <= path.size();) {
      const std::size_t end = std::min(path.find('.', begin), path.size());
      const std::string key = path.substr(begin, end - begin);
      if (!at->is_object() && !at->is_null())
        throw UsageError(fmt::format("--set {}: '{}' is no mapping", set, path.substr(0, begin)));
      at = &(*at)[key];
      begin = end + 1;
    }
    const std::string value = set.substr(equals + 1);
    *at = value.starts_with("[") || value.starts_with("{") ? yaml_to_json("v: " + value, "--set " + set).value["v"]
                                                           : typed_scalar(value);
  }

  void read_world(const Json& world) {
    study_.world.emplace();
    for (const auto& [key, value] : world.items()) {
      study_.world->push_back("--" + key);
      study_.world->push_back(value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  void read_bases(const Json& bases) {
    for (const auto& [name, body] : bases.items()) {
      std::map<std::string, std::string> fields{{"name", name}};
      if (!body.is_object()) refuse("bases." + name, "a base is a mapping, for instance {model: org/name}");
      for (const auto& [key, value] : body.items()) fields[key] = text(body, "bases." + name, key);
      study_.bases.emplace_back(name, std::move(fields));
    }
    if (study_.bases.empty()) refuse("bases", "a study needs at least one base");
  }
  void read_groups(const Json& groups) {
    for (const auto& [name, body] : groups.items()) {
      const std::string path = "tasks." + name;
      TaskGroup group{.name = name, .title = name, .tasks = {}, .flags = {}};
      if (body.is_array()) {
        group.tasks = words(groups, "tasks", name);
      } else if (body.is_object()) {
        check_keys(body, path, {"title", "tasks", "flags"});
        if (body.contains("title")) group.title = text(body, path, "title");
        group.tasks = words(body, path, "tasks");
        group.flags = words(body, path, "flags");
      }
      if (group.tasks.empty()) refuse(path, fmt::format("the group '{}' has no tasks", name));
      study_.groups.push_back(std::move(group));
    }
    if (study_.groups.empty()) refuse("tasks", "a study needs at least one group of tasks");
  }

  ArmStep read_step(const Json& body, const std::string& path) const {
    ArmStep step;
    if (body.contains("cache")) {
      if (!body["cache"].is_boolean()) refuse(below(path, "cache"), "'cache' is true or false");
      step.cached = body["cache"].get<bool>();
    }
    int kinds = 0;
    const auto take = [&](const char* key, ArmStep::Kind kind, bool right_type, std::string_view type) {
      if (!body.contains(key)) return;
      ++kinds;
      if (!right_type) refuse(below(path, key), fmt::format("'{}' must be {}", key, type));
      step.kind = kind;
      step.body = body[key];
    };
    const auto is = [&](const char* key, Json::value_t type) { return body.contains(key) && body[key].type() == type; };
    take("model", ArmStep::Kind::kModel, is("model", Json::value_t::string), "a path or name");
    take("graft", ArmStep::Kind::kGraft, is("graft", Json::value_t::object), "a graft file's content");
    take("tune", ArmStep::Kind::kTune, is("tune", Json::value_t::object), "a configuration");
    take("recipe", ArmStep::Kind::kRecipe, is("recipe", Json::value_t::object), "a recipe");
    take("run", ArmStep::Kind::kRun, is("run", Json::value_t::array), "a list of words");
    if (kinds != 1) refuse(path, "expected one of model, graft, tune, recipe, run");
    return step;
  }
  void read_arm(const std::string& name, const Json& body) {
    const std::string path = "arms." + name;
    if (!body.is_object()) refuse(path, "an arm is a mapping");
    check_keys(body, path,
               {"title", "from", "bases", "evaluate", "model", "graft", "tune", "recipe", "run", "do", "cache"});
    Arm arm{.name = name,
            .title = name,
            .from = {},
            .steps = {},
            .bases = words(body, path, "bases"),
            .evaluate = words(body, path, "evaluate"),
            .sweep = {},
            .point = {},
            .line = yaml_.line(path)};
    if (body.contains("evaluate") && body["evaluate"].is_array() && body["evaluate"].empty()) arm.evaluate = {"-"};
    if (body.contains("title")) arm.title = text(body, path, "title");
    if (body.contains("from")) arm.from = text(body, path, "from");
    if (body.contains("do")) {
      std::size_t index = 0;
      for (const Json& each : list(body, path, "do")) {
        const std::string place = fmt::format("{}.do.{}", path, index++);
        if (!each.is_object()) refuse(place, "expected a mapping with model, graft, tune, recipe or run");
        check_keys(each, place, {"model", "graft", "tune", "recipe", "run", "cache"});
        arm.steps.push_back(read_step(each, place));
      }
    } else if (body.contains("model") || body.contains("graft") || body.contains("tune") || body.contains("recipe") ||
               body.contains("run")) {
      arm.steps.push_back(read_step(body, path));
    }
    if (arm.steps.empty() && arm.from.empty())
      refuse(path, fmt::format("the arm '{}' has neither 'from' nor anything to do", name));
    study_.arms.push_back(std::move(arm));
  }

  void read_sweep(const std::string& name, const Json& body) {
    const std::string path = "sweeps." + name;
    if (!body.is_object()) refuse(path, "a sweep is a mapping");
    check_keys(body, path,
               {"title", "grid", "recipe", "reference", "target", "keep", "gain", "within", "bases", "evaluate"});
    Sweep sweep{.name = name,
                .title = name,
                .grid = {},
                .reference = text(body, path, "reference"),
                .target = text(body, path, "target"),
                .keep = text(body, path, "keep"),
                .gain = text(body, path, "gain"),
                .within = 1.0,
                .arms = {}};
    if (body.contains("title")) sweep.title = text(body, path, "title");
    if (body.contains("within")) {
      if (!body["within"].is_number()) refuse(below(path, "within"), "'within' is a number of points");
      sweep.within = body["within"].get<double>();
    }
    if (!body.contains("recipe") || !body["recipe"].is_object()) refuse(path, "a sweep needs a recipe");
    for (const auto& [key, values] : object(body, path, "grid").items()) {
      if (!values.is_array() || values.empty()) refuse(path + ".grid." + key, "a list of values is expected");
      sweep.grid.emplace_back(key, std::vector<Json>(values.begin(), values.end()));
    }
    if (sweep.grid.empty()) refuse(path, "a sweep needs a grid");
    std::vector<std::map<std::string, Json>> points{{}};
    for (const auto& [key, values] : sweep.grid) {
      std::vector<std::map<std::string, Json>> next;
      for (const auto& point : points) {
        for (const Json& value : values) {
          next.push_back(point);
          next.back()[key] = value;
        }
      }
      points = std::move(next);
    }
    for (const auto& point : points) {
      std::string label;
      for (const auto& [key, values] : sweep.grid) {
        const Json& value = point.at(key);
        label += fmt::format("{}{}={}", label.empty() ? "" : ",", key,
                             value.is_string() ? value.get<std::string>() : value.dump());
      }
      Arm arm{.name = fmt::format("{}[{}]", name, label),
              .title = fmt::format("{}, {}", sweep.title, label),
              .from = {},
              .steps = {},
              .bases = words(body, path, "bases"),
              .evaluate = words(body, path, "evaluate"),
              .sweep = name,
              .point = point,
              .line = yaml_.line(path)};
      const Lookup values = [&](std::string_view wanted) -> Json {
        const auto found = point.find(std::string(wanted));
        return found != point.end() ? found->second : Json(fmt::format("${{{}}}", wanted));
      };
      arm.steps.push_back({.kind = ArmStep::Kind::kRecipe, .body = filled_in(body["recipe"], values), .cached = false});
      sweep.arms.push_back(arm.name);
      study_.arms.push_back(std::move(arm));
    }
    study_.sweeps.push_back(std::move(sweep));
  }

  void read_contrasts(const Json& contrasts) {
    std::size_t index = 0;
    for (const Json& body : contrasts) {
      const std::string path = fmt::format("contrasts.{}", index++);
      if (!body.is_object()) refuse(path, "a contrast is a mapping");
      check_keys(body, path, {"name", "first", "second", "group", "tasks", "bases", "expect", "note"});
      Contrast contrast{.name = {},
                        .first = text(body, path, "first"),
                        .second = text(body, path, "second"),
                        .group = text(body, path, "group"),
                        .tasks = words(body, path, "tasks"),
                        .bases = words(body, path, "bases"),
                        .expected = 0,
                        .note = {}};
      contrast.name = body.contains("name")
                          ? text(body, path, "name")
                          : fmt::format("{} against {}: {}", contrast.second, contrast.first, contrast.group);
      if (body.contains("note")) contrast.note = text(body, path, "note");
      if (body.contains("expect")) {
        const std::string expected = text(body, path, "expect");
        if (expected != "higher" && expected != "lower" && expected != "open") {
          refuse(below(path, "expect"), fmt::format("'{}': expected higher, lower or open", expected));
        }
        contrast.expected = expected == "higher" ? 1 : expected == "lower" ? -1 : 0;
      }
      study_.contrasts.push_back(std::move(contrast));
    }
  }
  void read_measure(const std::string& name, const Json& body) {
    const std::string path = "measures." + name;
    if (!body.is_object()) refuse(path, "a measure is a mapping");
    check_keys(body, path, {"kind", "title", "command", "bases"});
    Measure measure{.name = name,
                    .kind = text(body, path, "kind"),
                    .title = name,
                    .command = words(body, path, "command"),
                    .bases = words(body, path, "bases")};
    if (body.contains("title")) measure.title = text(body, path, "title");
    const std::vector<std::string> kinds{"shift", "heads", "errors", "text"};
    if (std::ranges::find(kinds, measure.kind) == kinds.end()) {
      refuse(below(path, "kind"), fmt::format("unknown kind '{}'{}", measure.kind, known_names(measure.kind, kinds)));
    }
    if (measure.command.empty()) refuse(path, "a measure needs a command");
    study_.measures.push_back(std::move(measure));
  }

  void check_references() const {
    std::vector<std::string> arms, groups, bases;
    for (const Arm& arm : study_.arms) arms.push_back(arm.name);
    for (const TaskGroup& group : study_.groups) groups.push_back(group.name);
    for (const auto& [name, fields] : study_.bases) bases.push_back(name);
    const auto need = [&](const std::string& name, const std::vector<std::string>& known, std::string_view what,
                          const std::string& path) {
      if (std::ranges::find(known, name) == known.end()) {
        refuse(path, fmt::format("there is no {} '{}'{}", what, name, known_names(name, known)));
      }
    };
    for (const Arm& arm : study_.arms) {
      const std::string path = arm.sweep.empty() ? "arms." + arm.name : "sweeps." + arm.sweep;
      if (!arm.from.empty()) need(arm.from, arms, "arm", path);
      for (const std::string& base : arm.bases) need(base, bases, "base", path);
      for (const std::string& group : arm.evaluate) {
        if (group != "-") need(group, groups, "group of tasks", path);
      }
    }
    for (std::size_t i = 0; i < study_.contrasts.size(); ++i) {
      const Contrast& contrast = study_.contrasts[i];
      const std::string path = fmt::format("contrasts.{}", i);
      need(contrast.first, arms, "arm", path);
      need(contrast.second, arms, "arm", path);
      need(contrast.group, groups, "group of tasks", path);
      for (const std::string& task : contrast.tasks)
        need(task, study_.group(contrast.group).tasks, "task in the group", path);
      for (const std::string& base : contrast.bases) need(base, bases, "base", path);
    }
    for (const Sweep& sweep : study_.sweeps) {
      const std::string path = "sweeps." + sweep.name;
      need(sweep.reference, arms, "arm", path);
      need(sweep.target, arms, "arm", path);
      need(sweep.keep, groups, "group of tasks", path);
      need(sweep.gain, groups, "group of tasks", path);
    }
  }

  YamlJson yaml_;
  StudyFile study_;
};

}  // namespace

std::string known_names(std::string_view unknown, const std::vector<std::string>& known) {
  const std::vector<std::string_view> names(known.begin(), known.end());
  std::string near = text::jinja::nearest_names(unknown, names);
  if (!near.empty()) return "." + near;
  return known.empty() ? "" : fmt::format("; there are {}", fmt::join(known, ", "));
}

const Arm& StudyFile::arm(std::string_view wanted) const {
  const auto found = std::ranges::find(arms, wanted, &Arm::name);
  if (found == arms.end()) throw RecipeError(fmt::format("{}: there is no arm '{}'", file.string(), wanted));
  return *found;
}

const TaskGroup& StudyFile::group(std::string_view wanted) const {
  const auto found = std::ranges::find(groups, wanted, &TaskGroup::name);
  if (found == groups.end())
    throw RecipeError(fmt::format("{}: there is no group of tasks '{}'", file.string(), wanted));
  return *found;
}

StudyFile StudyFile::read(const std::filesystem::path& file, std::string_view profile,
                          const std::vector<std::string>& sets) {
  return StudyReader(file, profile, sets).read();
}

}  // namespace cambium::study
