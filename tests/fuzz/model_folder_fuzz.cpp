// config.json, an index and a weight file's header, parted by zero bytes: the folder is described, or refused with an
// Error.
#include "family/described_model.h"
#include "support/fuzz_folder.h"
#include "tensor/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  static const testing_support::FuzzFolder folder;
  const auto [config, index, header, tokenizer] = testing_support::fuzz_parts<4>(data, size);
  folder.put("config.json", config);
  folder.put("model.safetensors.index.json", index);
  folder.put("model.safetensors", testing_support::fuzz_safetensors(header));
  folder.put("tokenizer.json", tokenizer);
  try {
    (void)family::open_described(folder.path().string());
  } catch (const Error&) {
  }
  return 0;
}
