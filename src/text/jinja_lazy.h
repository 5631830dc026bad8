#pragma once

#include <functional>
#include <utility>

#include "text/jinja_objects.h"

namespace cambium::text::jinja {

/// A generator made of a function that gives the next value or false at the end. Nothing runs before the first value is
/// asked for.
class Lazy final : public Iterator {
 public:
  using Step = std::function<bool(Runtime& runtime, Value& value)>;
  explicit Lazy(Step step) : step_(std::move(step)) {}
  bool next(Runtime& runtime, Value& value) override;

 private:
  Step step_;
};

[[nodiscard]] Value lazy(Lazy::Step step);

}  // namespace cambium::text::jinja
