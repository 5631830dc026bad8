#include "text/jinja_lazy.h"

#include "text/jinja_runtime.h"

namespace cambium::text::jinja {

bool Lazy::next(Runtime& runtime, Value& value) {
  // Generators of generators can be stacked without end by a loop.
  const Budget::Level level(runtime.budget());
  return step_(runtime, value);
}

Value lazy(Lazy::Step step) { return Value(Ref<Instance>(make<Lazy>(std::move(step)))); }

}  // namespace cambium::text::jinja
