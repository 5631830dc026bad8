// Any tokenizer.json (up to a zero byte) and any text behind it: refused with an Error, or the ids decode and the
// offsets lie in the text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tensor/error.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\0');
  const std::string_view text = end == std::string_view::npos ? "Hello, wörld 12 <s>  😀\n" : input.substr(end + 1);
  try {
    const text::Tokenizer tokenizer = text::Tokenizer::from_json(input.substr(0, end), "fuzz");
    const text::Encoding encoding = tokenizer.encode(text);
    if (encoding.offsets.size() != encoding.ids.size()) std::abort();
    for (const text::Offset& offset : encoding.offsets) {
      if (offset.begin > offset.end || offset.end > text.size()) std::abort();
    }
    static_cast<void>(tokenizer.decode(encoding.ids));
    static_cast<void>(tokenizer.decode(encoding.ids, true));
  } catch (const Error&) {
  }
  return 0;
}
