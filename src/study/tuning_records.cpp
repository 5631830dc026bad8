#include "study/tuning_records.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <fstream>
#include <map>
#include <utility>

namespace cambium::study {
namespace {

namespace fs = std::filesystem;
using checkpoint::Json;

// What stands beside the words in a file of training rows, by its first row.
std::string modality_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string head(4096, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(in.gcount()));
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kKeys{{{"\"image\"", "images"},
                                                                                {"\"images\"", "images"},
                                                                                {"\"video\"", "clips"},
                                                                                {"\"videos\"", "clips"},
                                                                                {"\"audio\"", "sounds"},
                                                                                {"\"audios\"", "sounds"}}};
  std::size_t first = std::string::npos;
  std::string modality;
  for (const auto& [key, name] : kKeys) {
    if (const std::size_t at = head.find(key); at < first) {
      first = at;
      modality = name;
    }
  }
  return modality;
}

// "BASE/sSEED/ARM/tune", or "BASE/sSEED/ARM.2/tune" of an arm with several steps.
bool read_name(const Step& step, const StudyFile& study, TuningRecord& record) {
  const auto first = step.name.find('/');
  const auto second = step.name.find('/', first + 1);
  const auto third = step.name.rfind('/');
  if (second == std::string::npos || third <= second) return false;
  record.base = step.name.substr(0, first);
  const char* digits = step.name.data() + first + 2;
  std::from_chars(digits, step.name.data() + second, record.seed);
  record.arm = step.name.substr(second + 1, third - second - 1);
  const auto is_arm = [&](const std::string& name) {
    for (const Arm& arm : study.arms) {
      if (arm.name == name) return true;
    }
    return false;
  };
  if (is_arm(record.arm)) return true;
  record.arm.resize(std::min(record.arm.rfind('.'), record.arm.size()));
  record.last = false;
  return is_arm(record.arm);
}

Json config_of(const Step& step) {
  for (const auto& [name, text] : step.files) {
    if (name.ends_with(".tune.yml")) return checkpoint::parse_json(text, name);
  }
  return Json::object();
}

}  // namespace

std::vector<TuningRecord> read_tuning_records(const StudyData& data) {
  std::vector<TuningRecord> records;
  std::map<fs::path, std::string> modalities;
  for (const Step& step : data.graph.steps) {
    const fs::path file = data.folder.step_path(step.name) / "stdout";
    if (step.kind != "tune" || !data.done.contains(step.name) || !fs::exists(file) || fs::is_empty(file)) continue;
    TuningRecord record;
    if (!read_name(step, data.study, record)) continue;
    const Json told = checkpoint::read_json(file);
    const Json config = config_of(step);
    if (config.contains("train") && config["train"].is_object())
      record.learning_rate = config["train"].value("learning_rate", 0.0);
    std::map<std::string, std::string> paths;
    for (const Json& source : config.value("sources", Json::array()))
      paths[source.value("name", "")] = source.value("path", "");
    for (const Json& source : told.value("sources", Json::array())) {
      TuningRecord::Source own{.name = source.value("name", ""),
                               .asked = source.value("asked", 0.0),
                               .realised = source.value("realised", 0.0),
                               .amount = source.value("amount", 0.0),
                               .modality = {}};
      const fs::path rows = data.folder.path() / paths[own.name];
      if (!modalities.contains(rows)) modalities[rows] = modality_of(rows);
      own.modality = modalities[rows];
      record.sources.push_back(std::move(own));
    }
    for (const Json& curve : told.value("curves", Json::array())) {
      TuningRecord::Curve own{.name = curve.value("name", ""), .x = {}, .y = {}};
      for (const Json& point : curve.value("points", Json::array())) {
        own.x.push_back(point.at(0).get<double>());
        own.y.push_back(point.at(1).get<double>());
      }
      record.curves.push_back(std::move(own));
    }
    record.steps = told.value("steps", 0.0);
    record.tokens = told.value("tokens", 0.0);
    record.supervised = told.value("supervised", 0.0);
    record.first_loss = told.value("first_loss", 0.0);
    record.last_loss = told.value("last_loss", 0.0);
    record.seconds = told.value("seconds", 0.0);
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace cambium::study
