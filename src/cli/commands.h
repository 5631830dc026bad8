#pragma once

#include <CLI/CLI.hpp>
#include <span>

namespace cambium::cli {

/// One subcommand: a function that adds it to the app. The callback it sets does the work and throws cambium::Error on
/// failure.
using AddCommand = void (*)(CLI::App& app);

/// Every subcommand, in the order of --help. Source: src/cli/command_table.cpp.
[[nodiscard]] std::span<const AddCommand> command_table();

}  // namespace cambium::cli
