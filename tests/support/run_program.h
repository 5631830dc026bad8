#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "support/temp_folder.h"

namespace cambium::testing_support {

struct ProgramResult {
  int status = 0;  ///< exit code, or -1 if a signal ended it
  std::string out;
  std::string err;
};

/// Runs a shell command line and waits for it.
inline ProgramResult run_program(const std::string& command) {
  const TempFolder folder;
  const std::filesystem::path errors = folder / "err";
  std::FILE* const pipe = ::popen((command + " 2>'" + errors.string() + "'").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  ProgramResult result;
  std::array<char, 4096> buffer;
  for (std::size_t got; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    result.out.append(buffer.data(), got);
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  result.err = file_content(errors);
  return result;
}

}  // namespace cambium::testing_support
