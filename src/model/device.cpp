#include "model/device.h"

#include <ATen/Context.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <charconv>
#include <filesystem>

#include "tensor/error.h"

namespace cambium::model {

namespace {

void open_cuda_library(std::string_view name) {
  Dl_info place{};
  if (dladdr(reinterpret_cast<const void*>(&at::globalContext), &place) == 0 || place.dli_fname == nullptr) {
    throw SystemError(fmt::format("device '{}': cannot tell where libtorch lies", name));
  }
  const std::filesystem::path file = std::filesystem::path(place.dli_fname).parent_path() / "libtorch_cuda.so";
  if (!std::filesystem::exists(file)) {
    throw SystemError(
        fmt::format("device '{}' is not there: {} does not exist; build with CAMBIUM_TORCH set to a torch with CUDA",
                    name, file.string()));
  }
  if (dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    throw SystemError(fmt::format("device '{}' is not there: {}", name, dlerror()));
  }
}

}  // namespace

c10::Device open_device(std::string_view name) {
  if (name == "cpu") return c10::Device(c10::kCPU);
  int index = 0;
  const bool numbered = name.starts_with("cuda:");
  const char* const end = name.data() + name.size();
  const auto digits =
      numbered ? std::from_chars(name.data() + 5, end, index) : std::from_chars_result{end, std::errc()};
  if ((name != "cuda" && !numbered) || digits.ptr != end || digits.ec != std::errc() || index < 0 || index > 127) {
    throw UsageError(fmt::format("unknown device '{}'; known are cpu, cuda, cuda:N", name));
  }
  open_cuda_library(name);
  const int count = at::globalContext().hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
  if (index >= count) {
    throw SystemError(fmt::format("device '{}' is not there: CUDA finds {} GPU{}", name, count, count == 1 ? "" : "s"));
  }
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

}  // namespace cambium::model
