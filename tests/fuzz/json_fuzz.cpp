#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "checkpoint/json.h"
#include "tensor/error.h"

// Any text: refused with CheckpointError, or read so that writing and reading again gives the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  try {
    const checkpoint::Json json = checkpoint::parse_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    const std::string text = json.dump();
    if (checkpoint::parse_json(text, "again").dump() != text) std::abort();
  } catch (const CheckpointError&) {
  }
  return 0;
}
