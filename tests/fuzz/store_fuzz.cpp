// Any bytes as an evaluation's store: read, or refused with an Error.
#include <cstdint>

#include "eval/store/store_reader.h"
#include "support/fuzz_folder.h"
#include "tensor/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  static const testing_support::FuzzFolder folder;
  const auto file = folder.put("s.db", std::string_view(reinterpret_cast<const char*>(data), size));
  try {
    const eval::StoreReader store(file);
    for (const eval::StoredRun& run : store.runs()) {
      (void)store.metrics(run.id);
      for (const eval::StoredTask& task : store.tasks(run.id)) (void)store.samples(run.id, task.name);
    }
  } catch (const Error&) {
  }
  return 0;
}
