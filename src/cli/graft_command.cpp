#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/engine_library.h"
#include "model/graft_run.h"

namespace cambium::cli {

namespace {

nlohmann::ordered_json as_json(const model::GraftReport& report, const std::string& folder) {
  nlohmann::ordered_json parts = nlohmann::ordered_json::array();
  for (const auto& part : report.parts) {
    parts.push_back({{"modality", part.modality},
                     {"token", part.token},
                     {"token_id", part.token_id},
                     {"tokens", part.tokens},
                     {"tower_parameters", part.tower_parameters},
                     {"fresh_tower", part.fresh_tower},
                     {"projector_parameters", part.projector_parameters},
                     {"fresh_projector", part.fresh_projector}});
  }
  return {{"folder", folder},
          {"model_type", report.model_type},
          {"dtype", report.dtype},
          {"language_parameters", report.language_parameters},
          {"added_rows", report.added_rows},
          {"parts", parts}};
}

void print(const model::GraftReport& report, const std::string& folder) {
  std::cout << fmt::format("{}: {} in {}, {} language parameters, {} rows added to the embedding\n", folder,
                           report.model_type, report.dtype, report.language_parameters, report.added_rows);
  for (const auto& part : report.parts) {
    std::cout << fmt::format("  {}: {} (id {}) becomes {} tokens; {} tower {} parameters, {} projector {}\n",
                             part.modality, part.token, part.token_id, part.tokens,
                             part.fresh_tower ? "fresh" : "loaded", part.tower_parameters,
                             part.fresh_projector ? "fresh" : "loaded", part.projector_parameters);
  }
}

}  // namespace

void add_graft_command(CLI::App& app) {
  struct Options {
    model::GraftOptions run;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("graft", "Make a multimodal model of a language model and towers");
  command->add_option("file", options->run.file, "graft file (YAML): language model, towers, projectors, seed")
      ->required();
  command->add_option("-o,--out", options->run.out, "folder to create")->required();
  command->add_flag("--json", options->json, "print one JSON object");
  command->callback([options] {
    model::GraftReport report;
    engine_function<decltype(cambium_graft)>("cambium_graft")(options->run, report);
    if (options->json) {
      std::cout << as_json(report, options->run.out).dump() << '\n';
    } else {
      print(report, options->run.out);
    }
  });
}

}  // namespace cambium::cli
