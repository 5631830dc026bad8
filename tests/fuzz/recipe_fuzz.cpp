#include <cstddef>
#include <cstdint>
#include <string_view>

#include "merge/recipe.h"
#include "tensor/error.h"

// Any text: a recipe, or refused with an Error. What lies before a zero byte is an override (`path=value`).
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cambium;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<merge::Override> overrides;
  try {
    if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos) {
      overrides.push_back(merge::parse_override(text.substr(0, zero)));
      text.remove_prefix(zero + 1);
    }
    static_cast<void>(merge::parse_recipe(text, "fuzz", overrides).models());
  } catch (const Error&) {
  }
  return 0;
}
