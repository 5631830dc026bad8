// adapter_config.json and the header of an adapter's weights, parted by a zero byte: read, or refused with an Error.
#include "merge/lora_adapter.h"
#include "support/fuzz_folder.h"
#include "tensor/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  static const testing_support::FuzzFolder folder;
  const auto [config, header] = testing_support::fuzz_parts<2>(data, size);
  folder.put("adapter_config.json", config);
  folder.put("adapter_model.safetensors", testing_support::fuzz_safetensors(header));
  try {
    const merge::LoraAdapter adapter(folder.path());
    for (const merge::LoraModule& module : adapter.modules()) (void)module.scale;
  } catch (const Error&) {
  }
  return 0;
}
