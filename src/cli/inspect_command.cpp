#include <iostream>
#include <memory>

#include "checkpoint/model_folder.h"
#include "cli/commands.h"
#include "cli/model_argument.h"
#include "cli/model_summary.h"
#include "merge/lora_adapter.h"

namespace cambium::cli {

namespace {

struct InspectOptions {
  std::string model;
  bool tensors = false;
  bool json = false;
};

void print(const InspectOptions& options, const ModelSummary& summary) {
  if (options.json) {
    std::cout << summary_json(summary, options.tensors).dump(2) << '\n';
  } else if (options.tensors) {
    print_tensors(std::cout, summary);
  } else {
    print_summary(std::cout, summary);
  }
}

void inspect(const InspectOptions& options) {
  const auto reference = merge::ModelReference::parse(options.model);
  const bool composed = merge::names_a_recipe(options.model) || (reference && reference->adapter) ||
                        merge::LoraAdapter::is_adapter(checkpoint::resolve_model(options.model));
  if (composed) {
    merge::SourcePool pool;
    print(options, summarize(open_model(pool, options.model)));
  } else {
    const auto folder = checkpoint::ModelFolder::open(options.model);
    print(options, summarize(folder));
  }
}

}  // namespace

void add_inspect_command(CLI::App& app) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* command = app.add_subcommand("inspect", "Show a model's family, sizes, parts and tensors");
  command
      ->add_option(
          "MODEL", options->model,
          "model folder, org/name[@revision] in the Hugging Face cache, a recipe (.yml), or one of these with an "
          "adapter (MODEL+ADAPTER)")
      ->required();
  command->add_flag("--tensors", options->tensors, "list every tensor");
  command->add_flag("--json", options->json, "print JSON");
  command->callback([options] { inspect(*options); });
}

}  // namespace cambium::cli
