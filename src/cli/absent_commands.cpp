#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

#include "cli/commands.h"
#include "tensor/error.h"

// In place of lab_command.cpp and study_command.cpp where the program is built without the engine: these commands start
// others that run models.
namespace cambium::cli {

namespace {

void add_absent_command(CLI::App& app, const std::string& name) {
  CLI::App* command = app.add_subcommand(name, "(not in this build: it has no engine)");
  command->allow_extras()->set_help_flag();
  command->callback([name] {
    throw UsageError(
        fmt::format("`cambium {}` runs models, and this program was built without the engine; build it with "
                    "-DCAMBIUM_ENGINE=ON (preset `release`)",
                    name));
  });
}

}  // namespace

void add_lab_command(CLI::App& app) { add_absent_command(app, "lab"); }
void add_study_command(CLI::App& app) { add_absent_command(app, "study"); }
void add_sweep_command(CLI::App& app) { add_absent_command(app, "sweep"); }
void add_report_command(CLI::App& app) { add_absent_command(app, "report"); }

}  // namespace cambium::cli
