// Filters that look something up or keep what passes a test, and the table of all filters.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "text/jinja_attributes.h"
#include "text/jinja_filters.h"
#include "text/jinja_item_path.h"
#include "text/jinja_lazy.h"
#include "text/jinja_operators.h"
#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

// The name of a filter or test given as the first argument, taken off the list.
std::string take_name(Arguments& arguments, ErrorKind kind, const std::string& missing) {
  if (arguments.positional.empty()) throw TemplateError(kind, missing);
  const Value name = std::move(arguments.positional.front());
  arguments.positional.erase(arguments.positional.begin());
  if (name.is_undefined()) name.as_undefined().fail();
  if (!name.is_string())
    throw TemplateError(ErrorKind::kType, fmt::format("a name is needed, not {}", type_name(name)));
  return name.as_string();
}

Value attr(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("attr", arguments, {"name"}, 1);
  std::optional<Value> found = own_attribute(runtime, input, matched.text(0));
  return found ? *std::move(found) : runtime.undefined_member(input, matched[0]);
}

Value fallback(Runtime& /*runtime*/, const Value& input, Arguments& arguments) {
  const Matched matched("default", arguments, {"default_value", "boolean"});
  const bool replaced = input.is_undefined() || (matched.flag(1) && !truthy(input));
  if (!replaced) return input;
  return matched.has(0) ? matched[0] : Value::string("");
}

Value map(Runtime& /*runtime*/, const Value& input, Arguments& arguments) {
  return lazy([input, arguments, items = Ref<Iterator>(), each = std::function<Value(Runtime&, const Value&)>()](
                  Runtime& runtime, Value& value) mutable {
    if (!items) {
      items = iterate(truthy(input) ? input : Value::list({}));
      const auto attribute = std::ranges::find(arguments.named, "attribute", &std::pair<std::string, Value>::first);
      if (!truthy(input)) {
        // Nothing to map: the arguments are not looked at.
      } else if (arguments.positional.empty() && attribute != arguments.named.end()) {
        const Matched matched("map", arguments, {"attribute", "default"});
        each = [path = ItemPath(matched[0]), otherwise = matched[1]](Runtime& inner, const Value& item) {
          return path.of(inner, item, otherwise);
        };
      } else {
        const std::string name = take_name(arguments, ErrorKind::kRuntime, "map requires a filter argument");
        const Filter* filter = find_filter(runtime.options(), name);
        if (filter == nullptr) throw TemplateError(ErrorKind::kRuntime, unknown_filter(runtime.options(), name));
        each = [filter, arguments](Runtime& inner, const Value& item) {
          Arguments fresh = arguments;
          return filter->function(inner, item, fresh);
        };
      }
    }
    Value item;
    if (!items->next(runtime, item)) return false;
    value = each(runtime, item);
    return true;
  });
}

Value select_items(const Value& input, const Arguments& given, bool by_attribute, bool keep) {
  return lazy([input, arguments = given, by_attribute, keep, items = Ref<Iterator>(), path = ItemPath(Value()),
               test = static_cast<const Test*>(nullptr)](Runtime& runtime, Value& value) mutable {
    if (!items) {
      items = iterate(truthy(input) ? input : Value::list({}));
      if (truthy(input)) {
        if (by_attribute) {
          if (arguments.positional.empty()) {
            throw TemplateError(ErrorKind::kRuntime, "Missing parameter for attribute name");
          }
          path = ItemPath(arguments.positional.front());
          arguments.positional.erase(arguments.positional.begin());
        }
        if (!arguments.positional.empty()) {
          const std::string name = take_name(arguments, ErrorKind::kRuntime, "");
          test = find_test(name);
          if (test == nullptr) throw TemplateError(ErrorKind::kRuntime, unknown_test(name));
        }
      }
    }
    for (Value item; items->next(runtime, item);) {
      const Value subject = path.of(runtime, item);
      Arguments fresh = arguments;
      const bool passes = test == nullptr ? truthy(subject) : test->function(runtime, subject, fresh);
      if (passes != keep) continue;
      value = std::move(item);
      return true;
    }
    return false;
  });
}

Value select(Runtime& /*runtime*/, const Value& input, Arguments& arguments) {
  return select_items(input, arguments, false, true);
}

Value reject(Runtime& /*runtime*/, const Value& input, Arguments& arguments) {
  return select_items(input, arguments, false, false);
}

Value selectattr(Runtime& /*runtime*/, const Value& input, Arguments& arguments) {
  return select_items(input, arguments, true, true);
}

Value rejectattr(Runtime& /*runtime*/, const Value& input, Arguments& arguments) {
  return select_items(input, arguments, true, false);
}

Value refuse_random(Runtime& /*runtime*/, const Value& /*input*/, Arguments& /*arguments*/) {
  throw TemplateError(ErrorKind::kSecurity, "the filter 'random' is refused: the same input must give the same text");
}

Value refuse_urlize(Runtime& /*runtime*/, const Value& /*input*/, Arguments& /*arguments*/) {
  throw TemplateError(ErrorKind::kRuntime, "the filter 'urlize' is not supported: prompts have no links to mark up");
}

}  // namespace

Value ItemPath::of(Runtime& runtime, const Value& item, const Value& otherwise) const {
  Value current = item;
  for (const Value& step : steps_) {
    current = get_item(runtime, current, step);
    if (current.is_undefined() && !otherwise.is_none()) current = otherwise;
  }
  return current;
}

Value folded(Runtime& runtime, const Value& value, bool case_sensitive) {
  if (case_sensitive || !value.is_string()) return value;
  return runtime.text(to_lower(value.as_string()));
}

std::span<const Filter> selection_filters() {
  static constexpr Filter kFilters[] = {
      {"attr", attr},
      {"d", fallback},
      {"default", fallback},
      {"map", map},
      {"random", refuse_random},
      {"reject", reject},
      {"rejectattr", rejectattr},
      {"select", select},
      {"selectattr", selectattr},
      {"urlize", refuse_urlize},
  };
  return kFilters;
}

}  // namespace cambium::text::jinja
