// A Python regular expression, a text and a replacement, parted by zero bytes (task files bring them): matched, or
// refused with an Error.
#include <cstdint>

#include "support/fuzz_folder.h"
#include "tensor/error.h"
#include "text/python_regex.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  const auto [pattern, text, replacement] = testing_support::fuzz_parts<3>(data, size);
  try {
    const text::PythonRegex regex(pattern);
    (void)regex.find_all(text);
    (void)regex.split(text);
    (void)regex.substitute(text, replacement);
  } catch (const Error&) {
  }
  return 0;
}
