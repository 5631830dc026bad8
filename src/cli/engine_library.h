#pragma once

namespace cambium::cli {

/// Address of an entry point of libcambium_engine.so, which is loaded when the first one is asked for: only commands
/// that run a model pay for libtorch. The library is looked for beside the program (`../lib`, then the program's own
/// folder).
/// @throws SystemError  the library or the function is not there; says how to build it
[[nodiscard]] void* engine_symbol(const char* name);

/// The same with its type. An entry point is an `extern "C"` function declared in a header of its room that knows no
/// libtorch:
///   engine_function<decltype(cambium_forward)>("cambium_forward")(options);
template <typename Function>
[[nodiscard]] Function* engine_function(const char* name) {
  return reinterpret_cast<Function*>(engine_symbol(name));
}

}  // namespace cambium::cli
