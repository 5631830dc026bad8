// Parses and renders any text as a template, over data with every type of value.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "text/jinja_error.h"
#include "text/jinja_json.h"
#include "text/jinja_template.h"

namespace jinja = cambium::text::jinja;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  for (jinja::Options options : {jinja::Options::chat(), jinja::Options::task()}) {
    options.limits.max_work = 50'000;
    options.limits.max_text_bytes = 1U << 20U;
    try {
      const jinja::Template parsed(source, "fuzz", options);
      const jinja::Value variables = jinja::from_json(
          R"({"s": "a é 😀", "n": 7, "f": 2.5, "t": true, "no": null, "l": [3, 1, 2], "d": {"a": 1, "b": [{"c": "x"}]},
              "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": [{"type": "text", "text": "yo"}]}]})",
          "variables");
      static_cast<void>(parsed.render(variables, jinja::DateTime{}));
    } catch (const jinja::TemplateError&) {
      // What a bad template must give.
    }
  }
  return 0;
}
