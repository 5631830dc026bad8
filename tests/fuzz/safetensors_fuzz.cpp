#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "checkpoint/safetensors_header.h"
#include "tensor/error.h"

// Any bytes: a header that is accepted covers the file exactly, and is written again the same way.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    checkpoint::SafetensorsHeader header = checkpoint::parse_safetensors_header(text, size, "fuzz");
    std::uint64_t bytes = 0;
    std::uint64_t end = size;
    for (checkpoint::StoredTensor& tensor : header.tensors) {
      if (tensor.begin + tensor.bytes() > size) std::abort();
      end = std::min(end, tensor.begin);
      tensor.begin = bytes;
      bytes += tensor.bytes();
    }
    if (end + bytes != size && !header.tensors.empty()) std::abort();
    const std::string again = checkpoint::safetensors_header_text(header.tensors);
    if (checkpoint::parse_safetensors_header(again, again.size() + bytes, "again").tensors.size() !=
        header.tensors.size()) {
      std::abort();
    }
  } catch (const CheckpointError&) {
  }
  return 0;
}
