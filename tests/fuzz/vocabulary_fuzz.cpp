#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "checkpoint/vocabulary.h"
#include "tensor/error.h"

// Any tokenizer.json: refused with CheckpointError, or each added token is found under its id.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  try {
    const auto vocabulary = checkpoint::Vocabulary::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const auto& added : vocabulary.added()) {
      if (vocabulary.token(added.id) != added.token) std::abort();
    }
  } catch (const CheckpointError&) {
  }
  return 0;
}
