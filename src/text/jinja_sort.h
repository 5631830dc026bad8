#pragma once

#include <string_view>
#include <vector>

#include "text/jinja_objects.h"
#include "text/jinja_value.h"

namespace cambium::text::jinja {

/// Python's sorted: `items` in the order of `keys` (as many), stable, also when reversed.
/// @throws TemplateError (kType)  two keys have no order
[[nodiscard]] std::vector<Value> sorted(const std::vector<Value>& items, const std::vector<Value>& keys, bool reverse,
                                        Budget& budget);

/// dict(mapping or pairs, name=value ...).
[[nodiscard]] Ref<DictObject> dict_from_arguments(Runtime& runtime, std::string_view function, Arguments& arguments);

}  // namespace cambium::text::jinja
