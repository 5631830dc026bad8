#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja_options.h"
#include "text/jinja_runtime.h"
#include "text/jinja_value.h"

namespace cambium::text::jinja {

struct Tree;

/// What a rendering gave.
struct Rendering {
  std::string text;
  /// What `{% generation %}` blocks wrote: begin and end in code points of the text, in order.
  std::vector<std::pair<std::size_t, std::size_t>> generated;
};

/// A parsed template; rendering is thread-safe.
///
/// Covers Jinja 3.1's statements (but include, import and extends, which are refused), expressions with Python's
/// semantics, filters, tests and functions. Templates are untrusted: no attribute leads out of the data they are given,
/// work, depth and output are bounded (Options::limits). Source: https://jinja.palletsprojects.com/en/3.1.x/templates/
class Template {
 public:
  /// @param name  the template's name for messages
  /// @throws TemplateError (kSyntax) with line and column
  explicit Template(std::string_view source, std::string name = "template", Options options = {});
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  /// @param variables  a dict with the names the template may use
  /// @param now  what strftime_now sees; the clock if nothing
  /// @throws TemplateError  with line and column of what failed
  [[nodiscard]] std::string render(const Value& variables, std::optional<DateTime> now = {}) const;
  [[nodiscard]] Rendering render_tracked(const Value& variables, std::optional<DateTime> now = {}) const;

  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::unique_ptr<const Options> options_;
  std::unique_ptr<const Tree> tree_;
};

}  // namespace cambium::text::jinja
