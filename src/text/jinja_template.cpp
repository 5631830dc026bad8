#include "text/jinja_template.h"

#include "text/jinja_error.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_parser.h"
#include "text/jinja_scope.h"
#include "text/jinja_syntax.h"

namespace cambium::text::jinja {

Template::Template(std::string_view source, std::string name, Options options)
    : name_(std::move(name)), options_(std::make_unique<Options>(options)) {
  auto tree = std::make_unique<Tree>(parse(source, *options_, name_));
  resolve_names(*tree, name_);
  tree_ = std::move(tree);
}

Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

std::string Template::render(const Value& variables, std::optional<DateTime> now) const {
  return render_tracked(variables, now).text;
}

Rendering Template::render_tracked(const Value& variables, std::optional<DateTime> now) const {
  const Ref<DictObject> context = variables.is_dict() ? Ref<DictObject>(&variables.as_dict()) : make<DictObject>();
  Interpreter interpreter(*tree_, *options_, now, context);
  try {
    Rendering rendering;
    rendering.text = interpreter.run();
    rendering.generated = interpreter.generated();
    return rendering;
  } catch (const TemplateError& error) {
    if (error.position().line != 0) throw;
    throw TemplateError(error.kind(), error.message(), interpreter.position(), name_);
  }
}

}  // namespace cambium::text::jinja
