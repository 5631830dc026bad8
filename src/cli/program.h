#pragma once

namespace cambium::cli {

/// The whole program: parses the arguments, runs the command, prints what went wrong in one line on standard error.
/// Returns the exit code: 0 done, 1 failed, 2 bad usage, 130 interrupted.
int run_program(int argc, char** argv);

}  // namespace cambium::cli
