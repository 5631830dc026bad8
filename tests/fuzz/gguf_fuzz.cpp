#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

#include "checkpoint/gguf_config.h"
#include "checkpoint/gguf_file.h"
#include "checkpoint/gguf_model.h"
#include "checkpoint/tokenizer_from_gguf.h"
#include "tensor/error.h"

namespace {

using namespace cambium;
using namespace cambium::checkpoint;

// Everything that can be rebuilt from the metadata alone.
void build_tokenizers(std::span<const std::byte> file) {
  const GgufHeader header = parse_gguf(file, "fuzz.gguf");
  for (const char* architecture : {"llama", "gemma3"}) {
    try {
      (void)tokenizer_from_gguf(header.metadata, "fuzz.gguf",
                                {.architecture = architecture, .vocabulary = 1 << 20, .pre_tokenizer = "gpt-2"});
    } catch (const Error&) {
    }
  }
}

// The whole way: names, shapes, config, values.
void build_model(const std::filesystem::path& file) {
  const GgufModel model(file);
  (void)gguf_config(model, DType::kBF16);
  (void)gguf_generation_config(model);
  for (const GgufModelTensor& tensor : model.tensors()) {
    std::vector<float> row(tensor.shape.size() == 1 ? 1 : static_cast<std::size_t>(tensor.shape[1]));
    model.read(tensor, tensor.shape[0] - 1, row);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    build_tokenizers(bytes);
  } catch (const Error&) {
    return 0;  // the header is refused: so would be the file
  }
  static const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("gguf_fuzz_" + std::to_string(::getpid()) + ".gguf");
  std::ofstream(file, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    build_model(file);
  } catch (const Error&) {
  }
  std::filesystem::remove(file);
  return 0;
}
