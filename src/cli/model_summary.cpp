#include "cli/model_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>

#include "cli/text_table.h"

namespace cambium::cli {

using checkpoint::Json;
using checkpoint::ModelFolder;
using checkpoint::TensorInfo;
using family::ModelDescription;
using family::TensorRole;
using Align = TextTable::Align;

namespace {

void count(ModelSummary::Group& group, const TensorInfo& tensor) {
  ++group.tensors;
  group.parameters += numel(tensor.shape);
  group.bytes += tensor.bytes();
}

std::string joined(const std::vector<std::string>& names) {
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

// "llama, 16 layers, hidden 2048, 32 heads (8 key/value) of 64, feed-forward 8192, vocabulary 128256, tied embeddings"
std::string language_line(const family::LanguageConfig& language) {
  std::string line = fmt::format("{}, {} layers, hidden {}, {} heads", language.family, language.num_layers,
                                 language.hidden_size, language.num_heads);
  if (language.num_kv_heads != language.num_heads) line += fmt::format(" ({} key/value)", language.num_kv_heads);
  return line + fmt::format(" of {}, feed-forward {}, vocabulary {}, {} embeddings", language.head_dim,
                            language.intermediate_size, language.vocab_size,
                            language.tie_word_embeddings ? "tied" : "untied");
}

std::string shard_name(const ModelFolder& folder, const std::string& tensor) {
  return folder.place(tensor).shard->path().filename().string();
}

std::string family_line(const ModelDescription& description) {
  std::string line = description.family;
  if (!description.layout.empty()) line += fmt::format(", names in the layout '{}'", description.layout);
  return line;
}

Json groups_json(const std::vector<ModelSummary::Group>& groups, const char* key) {
  Json list = Json::array();
  for (const ModelSummary::Group& group : groups) {
    list.push_back(
        {{key, group.name}, {"tensors", group.tensors}, {"parameters", group.parameters}, {"bytes", group.bytes}});
  }
  return list;
}

// None for a recipe.
Json shards_json(const ModelFolder* folder) {
  Json shards = Json::array();
  if (folder == nullptr) return shards;
  for (const checkpoint::SafetensorsFile& shard : folder->shards()) {
    std::uint64_t bytes = 0;
    for (const checkpoint::StoredTensor& tensor : shard.tensors()) bytes += tensor.bytes();
    shards.push_back(
        {{"file", shard.path().filename().string()}, {"tensors", shard.tensors().size()}, {"bytes", bytes}});
  }
  return shards;
}

Json language_json(const family::LanguageConfig& language) {
  return {{"family", language.family},
          {"num_layers", language.num_layers},
          {"hidden_size", language.hidden_size},
          {"intermediate_size", language.intermediate_size},
          {"num_heads", language.num_heads},
          {"num_kv_heads", language.num_kv_heads},
          {"head_dim", language.head_dim},
          {"vocab_size", language.vocab_size},
          {"tie_word_embeddings", language.tie_word_embeddings}};
}

Json tensor_json(const ModelFolder* folder, const TensorInfo& tensor, const TensorRole* role) {
  Json entry{{"name", tensor.name},
             {"dtype", name_of(tensor.dtype)},
             {"shape", tensor.shape},
             {"bytes", tensor.bytes()},
             {"shard", folder == nullptr ? Json(nullptr) : Json(shard_name(*folder, tensor.name))}};
  if (role != nullptr) {
    entry["part"] = family::name_of(role->part);
    entry["role"] = family::name_of(role->role);
    entry["layer"] = role->layer < 0 ? Json(nullptr) : Json(role->layer);
    entry["canonical"] = role->canonical;
  }
  return entry;
}

}  // namespace

namespace {

void count_tensors(ModelSummary& summary) {
  std::map<family::Part, ModelSummary::Group> parts;
  std::map<DType, ModelSummary::Group> dtypes;
  for (const TensorInfo& tensor : summary.weights->tensors()) {
    const TensorRole* const role = summary.description.find(tensor.name);
    summary.parameters += numel(tensor.shape);
    summary.bytes += tensor.bytes();
    count(parts[role == nullptr ? family::Part::kOther : role->part], tensor);
    count(dtypes[tensor.dtype], tensor);
  }
  for (auto& [part, group] : parts) {
    group.name = family::name_of(part);
    summary.parts.push_back(std::move(group));
  }
  for (auto& [dtype, group] : dtypes) {
    group.name = name_of(dtype);
    summary.dtypes.push_back(std::move(group));
  }
  std::ranges::stable_sort(summary.dtypes, std::ranges::greater{}, &ModelSummary::Group::bytes);
}

}  // namespace

ModelSummary summarize(const ModelFolder& folder) {
  ModelSummary summary;
  summary.label = folder.label();
  summary.weights = &folder;
  summary.folder = &folder;
  summary.files = folder.companion_files();
  summary.description = family::describe(folder.config(), folder.tensors(), folder.label());
  count_tensors(summary);
  return summary;
}

ModelSummary summarize(const merge::Source& model) {
  ModelSummary summary;
  summary.label = model.label();
  summary.weights = &model.weights();
  summary.description = model.description();
  for (const merge::CompanionFile& file : model.companions()) summary.files.push_back(file.name);
  count_tensors(summary);
  return summary;
}

void print_summary(std::ostream& out, const ModelSummary& summary) {
  const ModelDescription& description = summary.description;
  out << summary.label << '\n';
  const auto line = [&out](std::string_view what, const std::string& text) {
    out << fmt::format("  {:<11} {}\n", what, text);
  };
  line("family", family_line(description));
  if (description.language.num_layers > 0) line("language", language_line(description.language));
  if (!description.cross_attention_layers.empty()) {
    line("", fmt::format("and cross-attention layers at {}", fmt::join(description.cross_attention_layers, ", ")));
  }
  const std::string exact = std::to_string(summary.parameters);
  const std::string rounded = human_count(summary.parameters);
  line("parameters", rounded == exact ? exact : fmt::format("{} ({})", rounded, exact));
  const std::size_t shards = summary.folder == nullptr ? 0 : summary.folder->shards().size();
  line("size", fmt::format("{} in {} tensors, {}", human_bytes(summary.bytes), summary.weights->tensors().size(),
                           shards == 0   ? "merged when read"
                           : shards == 1 ? "1 shard"
                                         : fmt::format("{} shards", shards)));
  line("files", joined(summary.files));
  out << '\n';
  TextTable table({{"part"},
                   {"tensors", Align::kRight},
                   {"parameters", Align::kRight},
                   {"size", Align::kRight},
                   {"share", Align::kRight}});
  const double total = std::max(1.0, static_cast<double>(summary.parameters));
  for (const ModelSummary::Group& part : summary.parts) {
    table.add_row({part.name, std::to_string(part.tensors), human_count(part.parameters), human_bytes(part.bytes),
                   fmt::format("{:.1f} %", 100 * static_cast<double>(part.parameters) / total)});
  }
  table.print(out);
  out << '\n';
  TextTable types({{"dtype"}, {"tensors", Align::kRight}, {"parameters", Align::kRight}, {"size", Align::kRight}});
  for (const ModelSummary::Group& dtype : summary.dtypes) {
    types.add_row({dtype.name, std::to_string(dtype.tensors), human_count(dtype.parameters), human_bytes(dtype.bytes)});
  }
  types.print(out);
}

void print_tensors(std::ostream& out, const ModelSummary& summary) {
  const bool sharded = summary.folder != nullptr && summary.folder->shards().size() > 1;
  std::vector<TextTable::Column> columns{
      {"tensor"}, {"dtype"}, {"shape"}, {"size", Align::kRight}, {"part"}, {"role"}, {"layer", Align::kRight}};
  if (sharded) columns.push_back({"shard"});
  TextTable table(std::move(columns));
  for (const TensorInfo& tensor : summary.weights->tensors()) {
    const TensorRole* const role = summary.description.find(tensor.name);
    std::vector<std::string> row{tensor.name, std::string(name_of(tensor.dtype)), to_string(tensor.shape),
                                 human_bytes(tensor.bytes())};
    row.emplace_back(role == nullptr ? "" : family::name_of(role->part));
    row.emplace_back(role == nullptr ? "" : family::name_of(role->role));
    row.push_back(role == nullptr || role->layer < 0 ? "" : std::to_string(role->layer));
    if (sharded) row.push_back(shard_name(*summary.folder, tensor.name));
    table.add_row(std::move(row));
  }
  table.print(out);
}

Json summary_json(const ModelSummary& summary, bool with_tensors) {
  const ModelDescription& description = summary.description;
  Json json{{"model", summary.label},
            {"path", summary.folder == nullptr ? summary.label : summary.folder->path().string()},
            {"family", description.family},
            {"layout", description.layout},
            {"multimodal", description.multimodal},
            {"language", language_json(description.language)},
            {"cross_attention_layers", description.cross_attention_layers},
            {"parameters", summary.parameters},
            {"bytes", summary.bytes},
            {"parts", groups_json(summary.parts, "part")},
            {"dtypes", groups_json(summary.dtypes, "dtype")},
            {"shards", shards_json(summary.folder)},
            {"files", summary.files}};
  if (with_tensors) {
    Json& tensors = json["tensors"] = Json::array();
    for (const TensorInfo& tensor : summary.weights->tensors()) {
      tensors.push_back(tensor_json(summary.folder, tensor, description.find(tensor.name)));
    }
  }
  return json;
}

}  // namespace cambium::cli
