#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_error.h"
#include "text/jinja_objects.h"
#include "text/jinja_options.h"
#include "text/jinja_value.h"

namespace cambium::text::jinja {

/// A moment on the local clock, as strftime_now formats it.
struct DateTime {
  int year = 1970;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  /// Reads "2024-07-26", "2024-07-26T10:00" or "2024-07-26 10:00:00"; nothing if the text is no such date.
  [[nodiscard]] static std::optional<DateTime> parse(std::string_view text);
  [[nodiscard]] static DateTime now();
};

/// What operators, methods, filters and functions need of the rendering they are part of. One a rendering, one thread.
class Runtime {
 public:
  Runtime(const Options& options, std::optional<DateTime> now)
      : options_(options), budget_(options.limits), now_(now) {}
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  /// Empties the namespaces: each may have become part of a cycle of references.
  ~Runtime();

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] Budget& budget() { return budget_; }
  [[nodiscard]] DateTime now() const { return now_ ? *now_ : DateTime::now(); }

  /// A text made by the template. @throws TemplateError (kLimit)
  [[nodiscard]] Value text(std::string text, bool safe = false);
  [[nodiscard]] Value list(std::vector<Value> items);

  [[nodiscard]] Value undefined(std::string message) const;
  [[nodiscard]] Value undefined_name(std::string_view name) const;
  [[nodiscard]] Value undefined_member(const Value& owner, const Value& key) const;
  /// An attribute that exists but is not for templates.
  [[nodiscard]] Value forbidden_attribute(const Value& owner, std::string_view name) const;

  [[nodiscard]] Value make_namespace(const Ref<DictObject>& attributes);

  /// Whether what is printed now is escaped ({% autoescape %}).
  bool autoescape = false;

 private:
  const Options& options_;
  Budget budget_;
  std::optional<DateTime> now_;
  std::vector<Ref<DictObject>> namespaces_;
};

/// Calls any value. @throws TemplateError  it is undefined, not callable, or what the call raises
Value call(Runtime& runtime, const Value& callee, Arguments arguments);

/// Python's name of the value's type.
[[nodiscard]] std::string_view type_name(const Value& value);

/// The arguments of one call matched to the parameters' names, as Python matches them.
class Matched {
 public:
  /// @param required  how many of the parameters have no default
  /// @throws TemplateError (kType)  too many, unknown, missing or given twice
  Matched(std::string_view function, Arguments& arguments, std::initializer_list<std::string_view> parameters,
          std::size_t required = 0);
  [[nodiscard]] bool has(std::size_t parameter) const { return given_[parameter]; }
  [[nodiscard]] const Value& operator[](std::size_t parameter) const { return values_[parameter]; }

  // Conversions of one parameter; the fallback if it was not given. @throws TemplateError (kType)
  [[nodiscard]] std::int64_t integer(std::size_t parameter) const;
  [[nodiscard]] std::int64_t integer(std::size_t parameter, std::int64_t fallback) const;
  [[nodiscard]] const std::string& text(std::size_t parameter) const;
  [[nodiscard]] bool flag(std::size_t parameter, bool fallback = false) const;

 private:
  std::string_view function_;
  std::vector<Value> values_;
  std::vector<bool> given_;
};

}  // namespace cambium::text::jinja
