#pragma once

#include <c10/core/Device.h>

#include <string_view>

namespace cambium::model {

/// "cpu", "cuda" or "cuda:N". For a GPU, libtorch_cuda.so is opened from beside libtorch_cpu.so.
/// @throws UsageError   another word
/// @throws SystemError  no GPU, no driver, or no libtorch_cuda.so that loads; says which
[[nodiscard]] c10::Device open_device(std::string_view name);

}  // namespace cambium::model
