// A tuning configuration, and behind a zero byte a value to set: read, or refused with an Error.
// Needs: src/tune/tune_config.cpp
#include <cstdint>

#include "support/fuzz_folder.h"
#include "tensor/error.h"
#include "text/jinja_value.h"
#include "tune/tune_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  const auto [text, path, value] = testing_support::fuzz_parts<3>(data, size);
  std::vector<std::pair<std::string, std::string>> sets;
  if (!path.empty()) sets.emplace_back(path, value);
  try {
    (void)tune::parse_tune_config(std::string(text), "fuzz", sets);
  } catch (const Error&) {
  }
  return 0;
}
