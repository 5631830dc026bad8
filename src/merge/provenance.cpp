#include "merge/provenance.h"

#include <cmath>
#include <filesystem>

namespace cambium::merge {
namespace {

using checkpoint::Json;

// JSON knows no NaN or infinity.
Json number(double value) {
  if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  return value;
}

template <typename Map>
Json numbers(const Map& values) {
  Json object = Json::object();
  for (const auto& [name, value] : values) object[name] = number(value);
  return object;
}

Json input_of(const PlannedInput& input, const std::vector<ReadTensor>& read) {
  Json json;
  json["model"] = input.source->label();
  if (input.is_base) json["base"] = true;
  Json tensors = Json::array();
  for (const ReadTensor& tensor : read) tensors.push_back({{"name", tensor.name}, {"hash", to_string(tensor.hash)}});
  json["tensors"] = std::move(tensors);
  return json;
}

}  // namespace

Json provenance_of(const PlannedTensor& tensor, const checkpoint::ContentHash& hash,
                   const std::vector<std::vector<ReadTensor>>& read, const std::vector<TaskReport>& reports) {
  Json json;
  json["name"] = tensor.output.name;
  json["dtype"] = std::string(cambium::name_of(tensor.output.dtype));
  json["shape"] = tensor.output.shape;
  json["hash"] = to_string(hash);
  json["computed_in"] = std::string(torch_name_of(tensor.compute_dtype));
  Json inputs = Json::array();
  for (std::size_t i = 0; i < tensor.inputs.size(); ++i) inputs.push_back(input_of(tensor.inputs[i], read[i]));
  json["inputs"] = std::move(inputs);
  Json parts = Json::array();
  for (std::size_t i = 0; i < tensor.parts.size(); ++i) {
    const PlannedPart& part = tensor.parts[i];
    const TaskReport empty;
    const TaskReport& report = i < reports.size() ? reports[i] : empty;
    Json each;
    if (!part.suffix.empty()) each["part"] = part.suffix.substr(part.suffix.find_first_not_of(' '));
    each["shape"] = part.region.shape();
    each["method"] = part.method.empty() ? "carried" : part.method;
    if (part.method.empty()) each["from"] = part.inputs.front();
    if (!part.shared.empty()) each["parameters"] = numbers(part.shared);
    if (!report.values.empty()) each["found"] = numbers(report.values);
    Json per_input = Json::array();
    bool any = false;
    for (std::size_t k = 0; k < part.inputs.size() && !part.method.empty(); ++k) {
      Json own = Json::object();
      own["input"] = part.inputs[k];
      if (!part.per_input[k].empty()) own["parameters"] = numbers(part.per_input[k]);
      if (k < report.inputs.size() && !report.inputs[k].empty()) own["found"] = numbers(report.inputs[k]);
      any = any || own.size() > 1;
      per_input.push_back(std::move(own));
    }
    if (any) each["inputs"] = std::move(per_input);
    parts.push_back(std::move(each));
  }
  json["parts"] = std::move(parts);
  return json;
}

std::string provenance_text(const MergePlan& plan, const Recipe& recipe, std::string_view version,
                            const checkpoint::ContentHash& identity,
                            const std::vector<std::pair<std::string, checkpoint::ContentHash>>& files,
                            const std::vector<std::string>& tensors) {
  Json json;
  json["format"] = "cambium-provenance";
  json["format_version"] = 1;
  json["tool"] = {{"name", "cambium"}, {"version", std::string(version)}};
  json["hash"] = "xxh3-128; of a tensor: over \"DTYPE[shape]\\n\" and the hashes of its blocks of 1 MiB";
  json["plan"] = to_string(identity);
  if (!plan.name.empty()) json["output"] = plan.name;
  json["made_after"] = plan.layout->label();
  json["method"] = recipe.method;
  json["seed"] = recipe.seed;
  json["recipe"] = recipe.text;
  json["notes"] = plan.notes;
  Json models = Json::array();
  std::vector<const Source*> seen;
  for (const PlannedTensor& tensor : plan.tensors) {
    for (const PlannedInput& input : tensor.inputs) {
      if (std::ranges::find(seen, input.source) != seen.end()) continue;
      seen.push_back(input.source);
      Json model;
      model["name"] = input.source->label();
      model["family"] = input.source->description().family;
      if (input.source->computed() != nullptr) model["recipe"] = true;
      models.push_back(std::move(model));
    }
  }
  json["models"] = std::move(models);
  Json small = Json::array();
  for (const auto& [name, hash] : files) small.push_back({{"name", name}, {"hash", to_string(hash)}});
  json["files"] = std::move(small);
  // The entries are text already (a journal kept them); one a line.
  std::string text = json.dump(2);
  text.resize(text.size() - 2);
  text += ",\n  \"tensors\": [";
  for (std::size_t i = 0; i < tensors.size(); ++i) text += (i == 0 ? "\n    " : ",\n    ") + tensors[i];
  text += "\n  ]\n}\n";
  return text;
}

}  // namespace cambium::merge
