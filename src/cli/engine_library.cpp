#include "cli/engine_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "tensor/error.h"

namespace cambium::cli {

namespace {

constexpr const char* kLibrary = "libcambium_engine.so";

void* open_engine() {
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  std::string tried;
  for (const std::filesystem::path& folder : {program / ".." / "lib", program}) {
    const std::filesystem::path file = (folder / kLibrary).lexically_normal();
    if (!std::filesystem::exists(file)) {
      tried += fmt::format("{}{}", tried.empty() ? "" : ", ", file.string());
      continue;
    }
    // libtorch's registries are process-wide, so its symbols are bound at once and never unloaded.
    if (void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
    throw SystemError(fmt::format("the engine does not load: {}", dlerror()));
  }
  throw SystemError(
      fmt::format("this command runs a model and needs {}, which is not there ({}); build with -DCAMBIUM_ENGINE=ON",
                  kLibrary, tried));
}

}  // namespace

void* engine_symbol(const char* name) {
  static void* const engine = open_engine();
  void* symbol = dlsym(engine, name);
  if (symbol == nullptr) {
    throw SystemError(
        fmt::format("{} has no function {}: library and program are of different builds", kLibrary, name));
  }
  return symbol;
}

}  // namespace cambium::cli
