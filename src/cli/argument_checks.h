#pragma once

#include <CLI/CLI.hpp>

namespace cambium::cli {

/// Makes every command refuse what CLI11 takes for a number or a name and is none: an empty value (but of options whose
/// value is a text), a negative or too large count, NaN and infinity.
void check_arguments(CLI::App& app);

}  // namespace cambium::cli
