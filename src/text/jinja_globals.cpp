// The functions that templates find: range, dict, namespace ..., and those of chat templates.
#include <fmt/format.h>

#include <array>
#include <ctime>

#include "text/jinja_interpreter.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_sort.h"

namespace cambium::text::jinja {
namespace {

constexpr std::int64_t kMaxRange = 100'000;

Value range(Runtime& runtime, Arguments& arguments) {
  if (!arguments.named.empty()) throw TemplateError(ErrorKind::kType, "range() takes no keyword arguments");
  const Matched matched("range", arguments, {"start", "stop", "step"}, 1);
  const std::int64_t start = matched.has(1) ? matched.integer(0) : 0;
  const std::int64_t stop = matched.has(1) ? matched.integer(1) : matched.integer(0);
  const std::int64_t step = matched.integer(2, 1);
  if (step == 0) throw TemplateError(ErrorKind::kValue, "range() arg 3 must not be zero");
  const auto made = make<Range>(start, stop, step);
  if (made->size() > kMaxRange && !runtime.options().allow_mutation) {
    throw TemplateError(ErrorKind::kOverflow,
                        fmt::format("Range too big. The sandbox blocks ranges larger than {}.", kMaxRange));
  }
  return Value(Ref<Instance>(made));
}

Value dict(Runtime& runtime, Arguments& arguments) { return Value(dict_from_arguments(runtime, "dict", arguments)); }

Value make_namespace(Runtime& runtime, Arguments& arguments) {
  const Ref<DictObject> attributes = dict_from_arguments(runtime, "namespace", arguments);
  for (const auto& [key, value] : attributes->entries()) {
    if (runtime.options().chat_functions && key.is_string() && key.as_string().starts_with('_')) {
      throw TemplateError(
          ErrorKind::kSecurity,
          fmt::format("a namespace may hold no attribute that begins with an underscore: '{}'", key.as_string()));
    }
  }
  return runtime.make_namespace(attributes);
}

Value cycler(Runtime& /*runtime*/, Arguments& arguments) {
  if (arguments.positional.empty()) throw TemplateError(ErrorKind::kRuntime, "at least one item has to be provided");
  return Value(Ref<Instance>(make<Cycler>(std::move(arguments.positional))));
}

Value joiner(Runtime& /*runtime*/, Arguments& arguments) {
  const Matched matched("joiner", arguments, {"sep"});
  return Value(Ref<Instance>(make<Joiner>(matched.has(0) ? matched[0] : Value::string(", "))));
}

Value lipsum(Runtime& /*runtime*/, Arguments& /*arguments*/) {
  throw TemplateError(ErrorKind::kSecurity, "lipsum() is refused: the same input must give the same text");
}

Value raise_exception(Runtime& runtime, Arguments& arguments) {
  const Matched matched("raise_exception", arguments, {"message"}, 1);
  throw TemplateError(ErrorKind::kRaised, to_text(matched[0], runtime.budget()));
}

Value strftime_now(Runtime& runtime, Arguments& arguments) {
  const Matched matched("strftime_now", arguments, {"format"}, 1);
  const DateTime now = runtime.now();
  std::tm time{};
  time.tm_year = now.year - 1900;
  time.tm_mon = now.month - 1;
  time.tm_mday = now.day;
  time.tm_hour = now.hour;
  time.tm_min = now.minute;
  time.tm_sec = now.second;
  time.tm_isdst = -1;
  std::tm calendar = time;
  // timegm knows no time zone: it only finds the day of the week and of the year.
  timegm(&calendar);
  time.tm_wday = calendar.tm_wday;
  time.tm_yday = calendar.tm_yday;
  std::string format;
  const std::string& given = matched.text(0);
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i] != '%' || i + 1 == given.size()) {
      format += given[i];
      continue;
    }
    const char directive = given[++i];
    // Python's own: microseconds, and the zone that a local time does not know.
    if (directive == 'f') {
      format += "000000";
    } else if (directive != 'z' && directive != 'Z') {
      format += '%';
      format += directive;
    }
  }
  if (format.empty()) return Value::string("");
  // The blank tells an empty result from a buffer that is too small.
  format += ' ';
  std::string text(format.size() * 16 + 256, '\0');
  text.resize(std::strftime(text.data(), text.size(), format.c_str(), &time));
  if (!text.empty()) text.pop_back();
  return runtime.text(std::move(text));
}

}  // namespace

Ref<DictObject> make_globals(const Options& options) {
  auto globals = make<DictObject>();
  const auto add = [&](std::string_view name, NativeFunction::Function function) {
    globals->set(name, Value(Ref<Instance>(make<NativeFunction>(name, function))));
  };
  add("range", range);
  add("dict", dict);
  add("namespace", make_namespace);
  add("cycler", cycler);
  add("joiner", joiner);
  add("lipsum", lipsum);
  if (options.chat_functions) {
    add("raise_exception", raise_exception);
    add("strftime_now", strftime_now);
  }
  return globals;
}

}  // namespace cambium::text::jinja
