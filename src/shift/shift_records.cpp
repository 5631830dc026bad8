#include "shift/shift_records.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace cambium::shift {
namespace {

using checkpoint::Json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

// "1", "5", ... for the shares of a mass curve.
std::string percent(double share) { return fmt::format("{}", std::lround(share * 100)); }

Json row_json(const ModelShift& shift, const ShiftRow& row) {
  Json json;
  json["model"] = shift.model;
  json["level"] = name_of(row.level);
  json["tensor"] = row.tensor.empty() ? Json(nullptr) : Json(row.tensor);
  json["role"] = row.role.empty() ? Json(nullptr) : Json(row.role);
  json["layer"] = row.layer < 0 ? Json(nullptr) : Json(row.layer);
  if (row.head >= 0) json["head"] = row.head;
  json["elements"] = row.moments.count;
  json["mean_abs"] = row.moments.mean_abs();
  json["rms"] = row.moments.rms();
  json["max_abs"] = row.moments.max_abs;
  json["relative"] = number(row.moments.relative());
  json["cosine"] = number(row.moments.cosine());
  json["sign_change_share"] = row.moments.sign_change_share();
  json["equal_share"] = row.moments.equal_share();
  if (row.curve) {
    Json& mass = json["top_mass"];
    for (std::size_t i = 0; i < kMassShares.size(); ++i) mass[percent(kMassShares[i])] = number((*row.curve)[i]);
  }
  if (row.nonfinite > 0) json["nonfinite"] = row.nonfinite;
  return json;
}

std::string csv_text(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string csv_number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : std::string(); }
std::string csv_index(int value) { return value < 0 ? std::string() : fmt::format("{}", value); }

void append_csv(const ModelShift& shift, const ShiftRow& row, std::string& csv) {
  const Moments& m = row.moments;
  csv += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{}", csv_text(shift.model), name_of(row.level),
                     csv_text(row.tensor), row.role, csv_index(row.layer), csv_index(row.head), m.count,
                     csv_number(m.mean_abs()), csv_number(m.rms()), csv_number(m.max_abs), csv_number(m.relative()),
                     csv_number(m.cosine()), csv_number(m.sign_change_share()), csv_number(m.equal_share()));
  for (std::size_t i = 0; i < kMassShares.size(); ++i)
    csv += ',' + (row.curve ? csv_number((*row.curve)[i]) : std::string());
  csv += fmt::format(",{}\n", row.nonfinite);
}

}  // namespace

Json shift_json(std::span<const ModelShift> shifts, std::span<const Level> levels) {
  Json json;
  json["base"] = shifts.empty() ? Json(nullptr) : Json(shifts[0].base);
  json["models"] = Json::array();
  json["rows"] = Json::array();
  for (const ModelShift& shift : shifts) {
    const family::VocabularyRows& rows = shift.vocabulary;
    json["models"].push_back(
        {{"model", shift.model},
         {"vocabulary",
          {{"base_rows", rows.base_rows}, {"model_rows", rows.model_rows}, {"shared_rows", rows.shared_rows}}},
         {"notes", shift.notes}});
    for (const Level level : levels) {
      for (const ShiftRow& row : shift_rows(shift, level)) json["rows"].push_back(row_json(shift, row));
    }
  }
  return json;
}

std::string shift_csv(std::span<const ModelShift> shifts, std::span<const Level> levels) {
  std::string csv =
      "model,level,tensor,role,layer,head,elements,mean_abs,rms,max_abs,relative,cosine,sign_change_share,equal_share";
  for (const double share : kMassShares) csv += ",top_mass_" + percent(share);
  csv += ",nonfinite\n";
  for (const ModelShift& shift : shifts) {
    for (const Level level : levels) {
      for (const ShiftRow& row : shift_rows(shift, level)) append_csv(shift, row, csv);
    }
  }
  return csv;
}

}  // namespace cambium::shift
