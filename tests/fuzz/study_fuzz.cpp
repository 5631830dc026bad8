// A study file, a value to set, and the state of one of its steps, parted by zero bytes: read, or refused with an
// Error.
#include <cstdint>

#include "study/step_graph.h"
#include "study/study_file.h"
#include "study/study_folder.h"
#include "support/fuzz_folder.h"
#include "tensor/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  static const testing_support::FuzzFolder folder;
  static const study::StudyFolder kOutput(folder.path());
  const auto [text, set, state] = testing_support::fuzz_parts<3>(data, size);
  std::filesystem::create_directories(kOutput.step_path("a"));
  folder.put(study::step_folder("a") + "/state.json", state);
  try {
    (void)kOutput.record("a");
  } catch (const Error&) {
  }
  try {
    std::vector<std::string> sets;
    if (!set.empty()) sets.emplace_back(set);
    (void)study::step_graph(study::StudyFile::read(folder.put("study.yml", text), "", sets));
  } catch (const Error&) {
  }
  return 0;
}
