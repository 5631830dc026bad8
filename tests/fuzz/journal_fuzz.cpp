// The journal of a merge, and behind a zero byte the provenance of its output: read, or refused with an Error.
#include <cstdint>

#include "checkpoint/journal.h"
#include "merge/verification.h"
#include "support/fuzz_folder.h"
#include "tensor/error.h"
#include "tensor/progress.h"
#include "tensor/workers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  static const testing_support::FuzzFolder folder;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  folder.put("model.safetensors",
             testing_support::fuzz_safetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"));
  folder.put("config.json", "{}");
  const auto journal = folder.put(".journal-1", all);
  folder.put("provenance.json", all);
  try {
    (void)checkpoint::Journal::read(journal, {});
  } catch (const Error&) {
  }
  try {
    Workers workers(1);
    NoProgress progress;
    (void)merge::verify_output(folder.path(), true, workers, progress);
  } catch (const Error&) {
  }
  return 0;
}
