#include "text/jinja_runtime.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "text/jinja_operators.h"
#include "text/jinja_print.h"

namespace cambium::text::jinja {
namespace {

// A namespace lives until the rendering ends; this keeps a loop from making millions.
constexpr std::size_t kNamespaceWork = 100;

// Reads `width` digits at `position`, then the separator if there is one to read.
bool read_number(std::string_view text, std::size_t& position, std::size_t width, int& number) {
  if (text.size() < position + width) return false;
  number = 0;
  for (const char c : text.substr(position, width)) {
    if (c < '0' || c > '9') return false;
    number = 10 * number + (c - '0');
  }
  position += width;
  return true;
}

bool read_char(std::string_view text, std::size_t& position, std::string_view any_of) {
  if (position == text.size() || any_of.find(text[position]) == std::string_view::npos) return false;
  ++position;
  return true;
}

// "'dict object'" in messages; Python's None is named itself.
std::string owner_name(const Value& owner) {
  return owner.is_none() ? "None" : fmt::format("{} object", type_name(owner));
}

}  // namespace

Options Options::chat() {
  Options options;
  options.trim_blocks = true;
  options.lstrip_blocks = true;
  options.plain_json = true;
  options.chat_functions = true;
  return options;
}

Options Options::task() {
  Options options;
  options.keep_trailing_newline = true;
  options.strict_undefined = true;
  options.allow_mutation = true;
  options.regex_filters = true;
  return options;
}

std::optional<DateTime> DateTime::parse(std::string_view text) {
  DateTime result;
  std::size_t at = 0;
  if (!read_number(text, at, 4, result.year) || !read_char(text, at, "-") || !read_number(text, at, 2, result.month) ||
      !read_char(text, at, "-") || !read_number(text, at, 2, result.day)) {
    return std::nullopt;
  }
  if (at < text.size()) {
    if (!read_char(text, at, "T ") || !read_number(text, at, 2, result.hour) || !read_char(text, at, ":") ||
        !read_number(text, at, 2, result.minute)) {
      return std::nullopt;
    }
    if (at < text.size() && (!read_char(text, at, ":") || !read_number(text, at, 2, result.second)))
      return std::nullopt;
  }
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = result.year % 4 == 0 && (result.year % 100 != 0 || result.year % 400 == 0);
  if (at != text.size() || result.year < 1 || result.month < 1 || result.month > 12 || result.hour > 23 ||
      result.minute > 59 || result.second > 59) {
    return std::nullopt;
  }
  const int days = kDays[result.month - 1] + (leap && result.month == 2 ? 1 : 0);
  if (result.day < 1 || result.day > days) return std::nullopt;
  return result;
}

DateTime DateTime::now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm local{};
  localtime_r(&seconds, &local);
  return {local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec};
}

Runtime::~Runtime() {
  for (const Ref<DictObject>& attributes : namespaces_) attributes->clear();
}

Value Runtime::text(std::string text, bool safe) {
  budget_.spend_text(text.size());
  return Value::string(std::move(text), safe);
}

Value Runtime::list(std::vector<Value> items) {
  budget_.spend(1 + items.size());
  return Value::list(std::move(items));
}

Value Runtime::make_namespace(const Ref<DictObject>& attributes) {
  budget_.spend(kNamespaceWork);
  namespaces_.push_back(attributes);
  return Value(Ref<Instance>(make<Namespace>(attributes)));
}

Value Runtime::undefined(std::string message) const {
  using enum UndefinedObject::Strictness;
  return Value(make<UndefinedObject>(std::move(message), options_.strict_undefined ? kStrict : kLenient));
}

Value Runtime::undefined_name(std::string_view name) const { return undefined(fmt::format("'{}' is undefined", name)); }

Value Runtime::undefined_member(const Value& owner, const Value& key) const {
  if (key.is_string()) return undefined(fmt::format("'{}' has no attribute '{}'", owner_name(owner), key.as_string()));
  Budget small{Limits{}};
  std::string shown;
  append_repr(shown, key, small);
  return undefined(fmt::format("{} has no element {}", owner_name(owner), shown));
}

Value Runtime::forbidden_attribute(const Value& owner, std::string_view name) const {
  using enum UndefinedObject::Strictness;
  return Value(
      make<UndefinedObject>(fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, type_name(owner)),
                            options_.strict_undefined ? kStrict : kLenient, true));
}

Value call(Runtime& runtime, const Value& callee, Arguments arguments) {
  if (callee.is_undefined()) callee.as_undefined().fail();
  if (!callee.is(Type::kObject)) {
    throw TemplateError(ErrorKind::kType, fmt::format("'{}' object is not callable", type_name(callee)));
  }
  runtime.budget().spend(1);
  const Budget::Level level(runtime.budget());
  const Ref<Instance> instance(&callee.as_instance());
  return instance->call(runtime, std::move(arguments));
}

std::string_view type_name(const Value& value) {
  switch (value.type()) {
    case Type::kUndefined:
      return value.as_undefined().strict ? "StrictUndefined" : "Undefined";
    case Type::kNone:
      return "NoneType";
    case Type::kBool:
      return "bool";
    case Type::kInt:
    case Type::kBigInt:
      return "int";
    case Type::kFloat:
      return "float";
    case Type::kString:
      return value.as_text().safe ? "Markup" : "str";
    case Type::kTuple:
      return "tuple";
    case Type::kList:
      return "list";
    case Type::kDict:
      return "dict";
    case Type::kObject:
      return value.as_instance().type_name();
  }
  return "object";
}

Matched::Matched(std::string_view function, Arguments& arguments, std::initializer_list<std::string_view> parameters,
                 std::size_t required)
    : function_(function), values_(parameters.size()), given_(parameters.size(), false) {
  const auto fail = [&](const std::string& why) {
    throw TemplateError(ErrorKind::kType, fmt::format("{}() {}", function, why));
  };
  if (arguments.positional.size() > parameters.size()) {
    fail(fmt::format("takes at most {} argument{} ({} given)", parameters.size(), parameters.size() == 1 ? "" : "s",
                     arguments.positional.size()));
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) {
    values_[i] = std::move(arguments.positional[i]);
    given_[i] = true;
  }
  for (auto& [name, value] : arguments.named) {
    const auto found = std::ranges::find(parameters, name);
    if (found == parameters.end()) fail(fmt::format("got an unexpected keyword argument '{}'", name));
    const auto index = static_cast<std::size_t>(found - parameters.begin());
    if (given_[index]) fail(fmt::format("got multiple values for argument '{}'", name));
    values_[index] = std::move(value);
    given_[index] = true;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (!given_[i]) fail(fmt::format("missing a required argument: '{}'", parameters.begin()[i]));
  }
}

std::int64_t Matched::integer(std::size_t parameter) const {
  const Value& value = values_[parameter];
  if (value.is_undefined()) value.as_undefined().fail();
  if (!value.is_integral()) {
    throw TemplateError(ErrorKind::kType, fmt::format("{}(): '{}' object cannot be interpreted as an integer",
                                                      function_, type_name(value)));
  }
  return value.as_int();
}

std::int64_t Matched::integer(std::size_t parameter, std::int64_t fallback) const {
  return given_[parameter] ? integer(parameter) : fallback;
}

const std::string& Matched::text(std::size_t parameter) const {
  const Value& value = values_[parameter];
  if (!value.is_string()) {
    throw TemplateError(ErrorKind::kType,
                        fmt::format("{}() argument must be str, not {}", function_, type_name(value)));
  }
  return value.as_string();
}

bool Matched::flag(std::size_t parameter, bool fallback) const {
  return given_[parameter] ? truthy(values_[parameter]) : fallback;
}

}  // namespace cambium::text::jinja
