#include <fmt/format.h>

#include <iostream>
#include <map>
#include <memory>

#include "cli/commands.h"
#include "cli/model_argument.h"
#include "cli/text_table.h"
#include "family/alignment.h"
#include "tensor/error.h"

namespace cambium::cli {
namespace {

using checkpoint::Json;
using family::Alignment;
using family::ModelDescription;
using family::Reading;
using merge::Source;

struct Options {
  std::string base, model;
  family::AlignmentOptions alignment;
  bool json = false;
  bool tensors = false;
};

// One source's name, or a list of them.
Json sources_of(const Reading& reading) {
  if (reading.pieces.size() == 1) return reading.pieces[0].source;
  Json names = Json::array();
  for (const family::Piece& piece : reading.pieces) names.push_back(piece.source);
  return names;
}

Json head_of(const std::optional<Reading>& reading) {
  return reading ? Json{{reading->target, sources_of(*reading)}} : Json::object();
}

Json side_of(const Source& side) {
  const ModelDescription& model = side.description();
  return {
      {"path", side.label()}, {"family", model.family}, {"decoder", model.language.family}, {"layout", model.layout}};
}

Json to_json(const Source& base, const Source& model, const Alignment& alignment) {
  Json json;
  json["base"] = side_of(base);
  json["model"] = side_of(model);
  json["language"] = Json::object();
  json["forms"] = Json::object();
  for (const Reading& reading : alignment.base_from_model) {
    json["language"][reading.target] = sources_of(reading);
    if (!reading.same_form()) json["forms"][reading.target] = reading.kind();
  }
  json["modality_only"] = alignment.modality_only;
  json["base_modality_only"] = alignment.base_modality_only;
  json["buffers"] = alignment.buffers;
  json["ties"] = {{"base_head_from_model_embedding", head_of(alignment.base_head_from_model_embedding)},
                  {"model_head_from_base_embedding", head_of(alignment.model_head_from_base_embedding)}};
  const family::VocabularyRows& rows = alignment.vocabulary;
  json["vocabulary"] = {{"base_rows", rows.base_rows},
                        {"model_rows", rows.model_rows},
                        {"shared_rows", rows.shared_rows},
                        {"rule", rows.rule == family::VocabularyRows::Rule::kToken ? "token" : "index"},
                        {"token_rows", rows.token_rows},
                        {"new_token_rows", rows.new_token_rows}};
  json["cross_attention_layers"] = model.description().cross_attention_layers;
  json["problems"] = Json::array();
  for (const family::Problem& problem : alignment.problems) {
    json["problems"].push_back({{"message", problem.message}, {"tensors", problem.tensors}});
  }
  json["skipped"] = alignment.skipped;
  json["notes"] = alignment.notes;
  return json;
}

std::string side_text(const Source& side) {
  const ModelDescription& model = side.description();
  std::string text = fmt::format("{} ({}", side.label(), model.family);
  if (model.language.family != model.family) text += fmt::format(" over {}", model.language.family);
  if (model.layout != "saved" && model.layout != "unknown")
    text += fmt::format(", names as in the layout \"{}\"", model.layout);
  return text + ")";
}

// "21: 18 same, 3 part"
std::string forms_text(const std::vector<Reading>& readings) {
  std::map<std::string_view, std::size_t> kinds;
  for (const Reading& reading : readings) ++kinds[reading.kind()];
  std::string text;
  for (const auto& [kind, count] : kinds) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, kind);
  return text;
}

std::string modality_text(const Alignment& alignment, const ModelDescription& model) {
  if (alignment.modality_only.empty()) return "none";
  std::map<std::string_view, std::size_t> parts;
  for (const std::string& name : alignment.modality_only) ++parts[name_of(model.find(name)->part)];
  std::string text;
  for (const auto& [part, count] : parts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, part);
  return text;
}

std::string vocabulary_text(const family::VocabularyRows& rows) {
  const bool by_token = rows.rule == family::VocabularyRows::Rule::kToken;
  std::string text = fmt::format("{} rows in the base, {} in the model, {} shared ", rows.base_rows, rows.model_rows,
                                 rows.shared_rows);
  if (!by_token) return text + "(by index: the first rows of both)";
  text += fmt::format("({} by token string", rows.token_rows);
  if (rows.shared_rows > rows.token_rows) {
    text += fmt::format(", {} unused rows by index, {} of which took a new token", rows.shared_rows - rows.token_rows,
                        rows.new_token_rows.size());
  }
  return text + ")";
}

void print_pairs(const std::vector<Reading>& readings) {
  TextTable table({{"base"}, {"form"}, {"model"}});
  for (const Reading& reading : readings) {
    std::string sources;
    for (const family::Piece& piece : reading.pieces) sources += (sources.empty() ? "" : " + ") + piece.source;
    table.add_row({reading.target, std::string(reading.kind()), std::move(sources)});
  }
  table.print(std::cout);
}

void print_text(const Source& base, const Source& model, const Alignment& alignment, bool tensors) {
  fmt::print("base        {}\nmodel       {}\n", side_text(base), side_text(model));
  fmt::print("language    {} tensors paired ({})\n", alignment.base_from_model.size(),
             forms_text(alignment.base_from_model));
  fmt::print("modality    {}\n", modality_text(alignment, model.description()));
  fmt::print("vocabulary  {}\n", vocabulary_text(alignment.vocabulary));
  for (const auto& [head, side] : {std::pair{&alignment.base_head_from_model_embedding, "base"},
                                   std::pair{&alignment.model_head_from_base_embedding, "model"}}) {
    if (!*head) continue;
    fmt::print("head        only the {} stores one: {} reads {}\n", side, (*head)->target, (*head)->pieces[0].source);
  }
  if (!model.description().cross_attention_layers.empty()) {
    fmt::print("inserted    layers {}\n", fmt::join(model.description().cross_attention_layers, ", "));
  }
  for (const std::string& note : alignment.notes) fmt::print("note        {}\n", note);
  if (!alignment.skipped.empty()) fmt::print("skipped     {}\n", fmt::join(alignment.skipped, ", "));
  std::fflush(stdout);
  if (tensors) print_pairs(alignment.base_from_model);
}

}  // namespace

void add_align_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("align", "Pair the tensors of a language model with those of its multimodal descendant");
  command
      ->add_option("--base", options->base,
                   "the language model: a folder, org/name in the Hugging Face cache, or a recipe")
      ->required();
  command->add_option("--model", options->model, "the model grafted on it")->required();
  command->add_flag("--by-index", options->alignment.vocabulary_by_index,
                    "pair vocabulary rows by their numbers, not by the tokenizers' strings");
  command->add_flag("--skip-unmatched", options->alignment.skip_unmatched,
                    "list language tensors without counterpart or of other shapes instead of failing");
  command->add_flag("--tensors", options->tensors, "print every pair");
  command->add_flag("--json", options->json, "print the alignment as JSON");
  command->callback([options] {
    merge::SourcePool pool;
    const Source& base = open_model(pool, options->base);
    const Source& model = open_model(pool, options->model);
    const Alignment alignment = family::align(base.side(), model.side(), options->alignment);
    if (options->json) {
      std::cout << to_json(base, model, alignment).dump(1) << std::endl;
    } else {
      print_text(base, model, alignment, options->tensors);
    }
    alignment.require_complete();
  });
}

}  // namespace cambium::cli
