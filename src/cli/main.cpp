#include "cli/program.h"

int main(int argc, char** argv) { return cambium::cli::run_program(argc, argv); }
