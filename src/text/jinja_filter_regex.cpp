// Filters that lm-evaluation-harness adds.
#include "text/jinja_filters.h"

namespace cambium::text::jinja {

std::span<const Filter> regex_filters() { return {}; }

}  // namespace cambium::text::jinja
