#include "text/jinja_json.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tensor/error.h"
#include "text/jinja_error.h"
#include "text/jinja_objects.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"
#include "text/jinja_sort.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

constexpr std::size_t kMaxJsonDepth = 500;

class Writer {
 public:
  Writer(const JsonStyle& style, Budget& budget) : style_(style), budget_(budget) {}

  void write(const Value& value) {
    budget_.spend_text(out_.size() > budget_.limits().max_text_bytes ? out_.size() : 0);
    switch (value.type()) {
      case Type::kNone:
        out_ += "null";
        return;
      case Type::kBool:
        out_ += value.as_bool() ? "true" : "false";
        return;
      case Type::kInt:
      case Type::kBigInt:
        append_repr(out_, value, budget_);
        return;
      case Type::kFloat:
        out_ += number(value.as_float());
        return;
      case Type::kString:
        text(value.as_string());
        return;
      case Type::kTuple:
      case Type::kList:
        return list(value);
      case Type::kDict:
        return dict(value.as_dict());
      default:
        throw TemplateError(ErrorKind::kType,
                            fmt::format("Object of type {} is not JSON serializable", type_name(value)));
    }
  }

  std::string take() { return std::move(out_); }

 private:
  static std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    return float_text(value);
  }

  void text(std::string_view in) {
    budget_.spend_text(in.size());
    out_ += '"';
    for (std::size_t position = 0; position < in.size();) {
      const std::size_t begin = position;
      const char32_t c = next_code_point(in, position);
      switch (c) {
        case '"':
          out_ += "\\\"";
          break;
        case '\\':
          out_ += "\\\\";
          break;
        case '\n':
          out_ += "\\n";
          break;
        case '\r':
          out_ += "\\r";
          break;
        case '\t':
          out_ += "\\t";
          break;
        case '\b':
          out_ += "\\b";
          break;
        case '\f':
          out_ += "\\f";
          break;
        default:
          if (c < 0x20 || (style_.ensure_ascii && c > 0x7F && c < 0x10000)) {
            out_ += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c));
          } else if (style_.ensure_ascii && c >= 0x10000) {
            const std::uint32_t rest = static_cast<std::uint32_t>(c) - 0x10000U;
            out_ += fmt::format("\\u{:04x}\\u{:04x}", 0xD800U + (rest >> 10U), 0xDC00U + (rest & 0x3FFU));
          } else {
            out_ += in.substr(begin, position - begin);
          }
      }
    }
    out_ += '"';
  }

  void new_line() {
    if (!style_.indent) return;
    out_ += '\n';
    budget_.spend_text(depth_ * style_.indent->size());
    for (std::size_t i = 0; i < depth_; ++i) out_ += *style_.indent;
  }

  void list(const Value& value) {
    if (value.items().empty()) {
      out_ += "[]";
      return;
    }
    const Budget::Level level(budget_);
    out_ += '[';
    ++depth_;
    bool first = true;
    for (const Value& item : value.items()) {
      if (!first) out_ += style_.item_separator;
      first = false;
      new_line();
      write(item);
    }
    --depth_;
    new_line();
    out_ += ']';
  }

  std::string key_text(const Value& key) {
    switch (key.type()) {
      case Type::kString:
        return key.as_string();
      case Type::kNone:
        return "null";
      case Type::kBool:
        return key.as_bool() ? "true" : "false";
      case Type::kInt:
      case Type::kBigInt:
        return to_text(key, budget_);
      case Type::kFloat:
        return number(key.as_float());
      default:
        throw TemplateError(ErrorKind::kType,
                            fmt::format("keys must be str, int, float, bool or None, not {}", type_name(key)));
    }
  }

  void dict(const DictObject& dict) {
    if (dict.size() == 0) {
      out_ += "{}";
      return;
    }
    const Budget::Level level(budget_);
    std::vector<Value> order;
    std::vector<Value> keys;
    for (const auto& entry : dict.entries()) {
      order.push_back(Value::integer(static_cast<std::int64_t>(order.size())));
      keys.push_back(entry.first);
    }
    if (style_.sort_keys) order = sorted(order, keys, false, budget_);
    out_ += '{';
    ++depth_;
    bool first = true;
    for (const Value& number : order) {
      const auto& [key, value] = dict.entries()[static_cast<std::size_t>(number.as_int())];
      if (!first) out_ += style_.item_separator;
      first = false;
      new_line();
      text(key_text(key));
      out_ += style_.key_separator;
      write(value);
    }
    --depth_;
    new_line();
    out_ += '}';
  }

  const JsonStyle& style_;
  Budget& budget_;
  std::string out_;
  std::size_t depth_ = 0;
};

// Builds values as nlohmann's parser meets them; the tree it would make itself has no room for large integers.
class Reader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return put(Value()); }
  bool boolean(bool value) override { return put(Value::boolean(value)); }
  bool number_integer(number_integer_t value) override { return put(Value::integer(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    return put(Value::integer_from_digits(fmt::format("{}", value)));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    const bool whole = text.find_first_of(".eE") == std::string::npos;
    return put(whole ? Value::integer_from_digits(text) : Value::real(value));
  }
  bool string(string_t& value) override { return put(Value::string(std::move(value))); }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*size*/) override { return open(Value::dict()); }
  bool key(string_t& value) override {
    keys_.back() = std::move(value);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*size*/) override { return open(Value::list({})); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& error) override {
    error_position = position;
    error_text = error.what();
    return false;
  }

  Value result;
  std::size_t error_position = 0;
  std::string error_text;

 private:
  bool put(Value value) {
    if (open_.empty()) {
      result = std::move(value);
    } else if (open_.back().is_dict()) {
      open_.back().as_dict().set(keys_.back(), std::move(value));
    } else {
      open_.back().as_sequence().items.push_back(std::move(value));
    }
    return true;
  }

  bool open(Value container) {
    if (open_.size() == kMaxJsonDepth) {
      error_text = fmt::format("nested more than {} deep", kMaxJsonDepth);
      return false;
    }
    open_.push_back(std::move(container));
    keys_.emplace_back();
    return true;
  }

  bool close() {
    Value container = std::move(open_.back());
    open_.pop_back();
    keys_.pop_back();
    return put(std::move(container));
  }

  std::vector<Value> open_;
  std::vector<std::string> keys_;
};

// nlohmann words its errors "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error ...".
std::string reason(const std::string& text) {
  const std::size_t prefix = text.find("] ");
  return prefix == std::string::npos ? text : text.substr(prefix + 2);
}

}  // namespace

std::string to_json(const Value& value, const JsonStyle& style, Budget& budget) {
  Writer writer(style, budget);
  writer.write(value);
  return writer.take();
}

Value from_json(std::string_view text, std::string_view where) {
  Reader reader;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &reader)) {
    throw RecipeError(fmt::format("{}: not valid JSON: {}", where, reason(reader.error_text)));
  }
  return std::move(reader.result);
}

}  // namespace cambium::text::jinja
