#include <iostream>

#include "cli/commands.h"

namespace cambium::cli {

void add_version_command(CLI::App& app) {
  app.add_subcommand("version", "Print the version")->callback([] { std::cout << "cambium " CAMBIUM_VERSION "\n"; });
}

}  // namespace cambium::cli
