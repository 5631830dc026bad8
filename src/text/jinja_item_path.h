#pragma once

#include <string>
#include <vector>

#include "text/jinja_objects.h"
#include "text/jinja_value.h"

namespace cambium::text::jinja {

/// The `attribute` argument of filters: "name", "address.city", "items.0" or a number; None gives the item itself.
class ItemPath {
 public:
  explicit ItemPath(const Value& attribute);
  /// @param fallback  taken where an item is undefined, unless it is None
  [[nodiscard]] Value of(Runtime& runtime, const Value& item, const Value& fallback = {}) const;

 private:
  std::vector<Value> steps_;
};

/// Lower case if it is a text and case does not count.
[[nodiscard]] Value folded(Runtime& runtime, const Value& value, bool case_sensitive);

}  // namespace cambium::text::jinja
