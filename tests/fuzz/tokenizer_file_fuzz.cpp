// Any bytes as sentencepiece's tokenizer.model and as tekken.json (behind the first byte, which chooses): refused with
// an Error, or a text's ids decode.
#include <cstdint>

#include "support/fuzz_folder.h"
#include "tensor/error.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  static const testing_support::FuzzFolder folder;
  if (size == 0) return 0;
  const std::string_view content(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    const auto tokenizer =
        text::Tokenizer::from_file(folder.put((data[0] & 1U) != 0 ? "t.model" : "tekken.json", content));
    const text::Encoding encoding = tokenizer.encode("Hello, wörld 12 <s>  😀\n");
    (void)tokenizer.decode(encoding.ids, true);
  } catch (const Error&) {
  }
  return 0;
}
