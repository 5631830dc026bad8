#include <memory>

#include "cli/commands.h"
#include "cli/merge_options.h"
#include "merge/recipe.h"

namespace cambium::cli {

void add_merge_command(CLI::App& app) {
  struct Options {
    std::string recipe;
    std::vector<std::string> overrides;
    MergeOptions merge;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("merge", "Merge models as a recipe says (mergekit's YAML)");
  command->add_option("recipe", options->recipe, "what to merge and how (YAML)")->required();
  command->add_option("--set", options->overrides, "change a value of the recipe, as parameters.alpha=0.1 (repeatable)")
      ->allow_extra_args(false);
  add_merge_options(*command, options->merge);
  command->callback([options] {
    std::vector<merge::Override> overrides;
    for (const std::string& each : options->overrides) overrides.push_back(merge::parse_override(each));
    run_recipe(merge::read_recipe(options->recipe, overrides), options->merge);
  });
}

}  // namespace cambium::cli
