#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "cli/commands.h"
#include "cli/merge_options.h"
#include "merge/recipe.h"
#include "merge/recover_recipe.h"

namespace cambium::cli {

void add_recover_command(CLI::App& app) {
  struct Options {
    merge::RecoverOptions recover;
    MergeOptions merge;
    bool print_recipe = false;
  };
  auto options = std::make_shared<Options>();
  merge::RecoverOptions& recover = options->recover;
  CLI::App* command = app.add_subcommand(
      "recover", "Bring a multimodal model's language back from the model it was made of (arXiv:2412.03467)");
  command->add_option("--base", recover.base, "the language model")->required();
  command->add_option("--model", recover.model, "the multimodal model made from it")->required();
  command->add_option("--alpha", recover.alpha, "how far back: 0 is the multimodal model, 1 the language model")
      ->capture_default_str();
  command->add_option("--density", recover.density, "share of the differences to take, the largest first")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--method", recover.method, "merge method")->capture_default_str();
  command->add_option("--scope", recover.scope, "take the share of each tensor, or of the whole model")
      ->check(CLI::IsMember({"tensor", "model"}))
      ->capture_default_str();
  command
      ->add_option("--only", recover.only, "touch only these tensors, as 'role:gate,up,down layers:0-15' (repeatable)")
      ->allow_extra_args(false);
  command->add_option("--except", recover.except, "leave these tensors alone (repeatable)")->allow_extra_args(false);
  command->add_option("--embeddings", recover.embeddings, "rows of tokens: shared, base or model [shared]")
      ->check(CLI::IsMember({"shared", "base", "model"}));
  command->add_option("--dtype", recover.dtype, "element type of the merge and its output [the models']");
  command->add_option("--seed", recover.seed, "seed of methods that draw at random")->capture_default_str();
  command->add_flag("--print-recipe", options->print_recipe, "print the recipe this stands for, and do nothing");
  add_merge_options(*command, options->merge);
  command->callback([options] {
    const std::string text = merge::recover_recipe(options->recover);
    if (options->print_recipe) {
      std::cout << text;
      return;
    }
    run_recipe(merge::parse_recipe(text, "recover", {}), options->merge);
  });
}

}  // namespace cambium::cli
