// A task file and its data, parted by a zero byte: refused with an Error, or its prompts are made.
#include <cstdint>

#include "support/fuzz_folder.h"
#include "tasks/task.h"
#include "tensor/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  static const testing_support::FuzzFolder folder;
  const auto [text, rows] = testing_support::fuzz_parts<2>(data, size);
  const auto file = folder.put("task.yaml", text);
  folder.put("rows.jsonl", rows);
  folder.put("rows.csv", rows);
  try {
    const tasks::YamlMapping mapping = tasks::read_task_file(file);
    const tasks::Task task(tasks::TaskConfig::from(mapping.value, mapping.places, file), {.folders = {folder.path()}});
    (void)task.requests({.limit = 4});
  } catch (const Error&) {
  }
  return 0;
}
