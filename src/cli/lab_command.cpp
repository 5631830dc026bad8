#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/terminal_progress.h"
#include "lab/world_folder.h"

namespace cambium::cli {
namespace {

struct LabFlags {
  std::string folder;
  lab::WorldOptions world;
  bool json = false;
};

void make(const LabFlags& flags) {
  TerminalProgress progress;
  const lab::WorldReport report = lab::make_world(flags.world, flags.folder, progress);
  if (flags.json) {
    const nlohmann::ordered_json out{{"folder", flags.folder},
                                     {"made", report.made},
                                     {"language_rows", report.language_rows},
                                     {"picture_rows", report.picture_rows},
                                     {"clip_rows", report.clip_rows},
                                     {"sound_rows", report.sound_rows},
                                     {"test_rows", report.test_rows},
                                     {"tokens", report.tokens}};
    std::cout << out.dump() << '\n';
    return;
  }
  std::cout << fmt::format(
      "{}: {}\n  language  {} rows for training (text/)\n  pictures  {} (pictures/)\n  clips     {} (clips/)\n"
      "  sounds    {} (sounds/)\n  tests     {} rows (tasks/*.yaml)\n  tokenizer {} tokens (tokenizer/)\n"
      "  models    initial weights (initial/)\n",
      flags.folder, report.made ? "made" : "is there already", report.language_rows, report.picture_rows,
      report.clip_rows, report.sound_rows, report.test_rows, report.tokens);
}

}  // namespace

void add_lab_command(CLI::App& app) {
  auto flags = std::make_shared<LabFlags>();
  lab::WorldOptions& world = flags->world;
  CLI::App* command =
      app.add_subcommand("lab", "Make the embedded world: texts, pictures, clips, sounds, small models");
  command->add_option("folder", flags->folder, "folder to make")->required();
  command->add_option("--seed", world.seed, "of everything that is drawn")->capture_default_str();
  command->add_option("--train-rows", world.train_rows, "of each language skill")->capture_default_str();
  command->add_option("--test-rows", world.test_rows, "of each language skill")->capture_default_str();
  command->add_option("--pictures", world.pictures, "training pictures")->capture_default_str();
  command->add_option("--clips", world.clips, "training clips")->capture_default_str();
  command->add_option("--sounds", world.sounds, "training sounds")->capture_default_str();
  command->add_option("--test-media", world.test_media, "test questions of each kind of picture, clip, sound")
      ->capture_default_str();
  command->add_option("--vocabulary", world.vocabulary, "tokens")->capture_default_str();
  command->add_option("--image-size", world.image_size, "pixels")->capture_default_str();
  command->add_option("--patch-size", world.patch_size, "pixels; one token for each patch")->capture_default_str();
  command->add_option("--frames", world.frames, "of a clip")->capture_default_str();
  command->add_option("--models", world.models, "base models to prepare (default: all)")->delimiter(',');
  command->add_flag("--json", flags->json, "print one JSON object");
  command->callback([flags] { make(*flags); });
}

}  // namespace cambium::cli
