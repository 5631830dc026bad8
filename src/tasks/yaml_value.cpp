#include "tasks/yaml_value.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <limits>

#include "tasks/text_file.h"
#include "tasks/yaml_quoted_text.h"
#include "tensor/error.h"
#include "text/jinja_number_text.h"
#include "text/jinja_operators.h"
#include "text/jinja_unicode.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

constexpr int kMaxYamlDepth = 100;
constexpr std::string_view kFunctionKey = "!function";

template <std::size_t kSize>
bool is_any(const std::array<std::string_view, kSize>& words, std::string_view text) {
  return std::ranges::find(words, text) != words.end();
}

std::optional<bool> yaml_truth(std::string_view text) {
  static constexpr std::array<std::string_view, 9> kTrue{"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
  static constexpr std::array<std::string_view, 9> kFalse{"no",    "No",  "NO",  "false", "False",
                                                          "FALSE", "off", "Off", "OFF"};
  if (is_any(kTrue, text)) return true;
  if (is_any(kFalse, text)) return false;
  return std::nullopt;
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == '_'; });
}

// [-+]? digits, 0x, 0b, and 0... in octal.
std::optional<Value> yaml_integer(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.starts_with("0x") || rest.starts_with("0b")) return jinja::read_integer(text, 0);
  if (!all_digits(rest) || rest.front() == '_') return std::nullopt;
  std::string digits(text);
  std::erase(digits, '_');
  const bool octal = rest.size() > 1 && rest.front() == '0';
  return jinja::read_integer(digits, octal ? 8 : 10);
}

// A point is needed: PyYAML takes 1e5 for a text.
std::optional<double> yaml_real(std::string_view text) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  static constexpr std::array<std::string_view, 3> kInfinite{".inf", ".Inf", ".INF"};
  static constexpr std::array<std::string_view, 3> kNotANumber{".nan", ".NaN", ".NAN"};
  if (is_any(kInfinite, rest))
    return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  if (is_any(kNotANumber, text)) return std::numeric_limits<double>::quiet_NaN();
  const std::size_t point = rest.find('.');
  if (point == std::string_view::npos || rest.size() < 2) return std::nullopt;
  const std::size_t exponent = rest.find_first_of("eE");
  if (exponent != std::string_view::npos &&
      (exponent < point || exponent + 1 >= rest.size() || (rest[exponent + 1] != '+' && rest[exponent + 1] != '-'))) {
    return std::nullopt;
  }
  std::string digits(text);
  std::erase(digits, '_');
  return jinja::read_float(digits);
}

Value plain_scalar(const std::string& text) {
  static constexpr std::array<std::string_view, 5> kNull{"", "~", "null", "Null", "NULL"};
  if (is_any(kNull, text)) return {};
  if (const std::optional<bool> truth = yaml_truth(text)) return Value::boolean(*truth);
  if (const std::optional<Value> whole = yaml_integer(text)) return *whole;
  if (const std::optional<double> real = yaml_real(text)) return Value::real(*real);
  return Value::string(text);
}

class YamlReader {
 public:
  YamlReader(std::filesystem::path file, std::string_view source) : file_(std::move(file)), source_(source) {}

  YamlMapping run(const YAML::Node& root) {
    if (!root.IsMap()) fail(root, "expected a mapping of keys to values");
    YamlMapping mapping;
    mapping.value = convert_map(root, 0);
    for (const auto& entry : root) mapping.places[entry.first.Scalar()] = {file_, entry.first.Mark().line + 1};
    return mapping;
  }

 private:
  [[noreturn]] void fail(const YAML::Node& node, const std::string& why) const {
    throw RecipeError(fmt::format("{}:{}: {}", file_.string(), node.Mark().line + 1, why));
  }

  Value convert(const YAML::Node& node, int depth) {
    if (depth > kMaxYamlDepth) fail(node, "nested too deeply");
    if (++nodes_ > 1'000'000) fail(node, "too many values (aliases of aliases?)");
    switch (node.Type()) {
      case YAML::NodeType::Sequence: {
        std::vector<Value> items;
        for (const YAML::Node& item : node) items.push_back(convert(item, depth + 1));
        return Value::list(std::move(items));
      }
      case YAML::NodeType::Map:
        return convert_map(node, depth);
      case YAML::NodeType::Scalar:
        return scalar(node);
      default:
        return {};
    }
  }

  Value scalar(const YAML::Node& node) {
    const std::string& tag = node.Tag();
    if (tag == "!function") {
      const std::string folder = std::filesystem::absolute(file_).parent_path().filename().string();
      return Value::dict({{std::string(kFunctionKey), Value::string(folder + "/" + node.Scalar())}});
    }
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return text(node);  // quoted
    if (tag == "tag:yaml.org,2002:int" || tag == "tag:yaml.org,2002:float" || tag == "tag:yaml.org,2002:bool" ||
        tag == "tag:yaml.org,2002:null" || tag == "?" || tag.empty()) {
      return plain_scalar(text(node).as_string());
    }
    fail(node, fmt::format("unknown tag '{}': only !function is known", tag));
  }

  Value text(const YAML::Node& node) const {
    if (node.Tag() == "!" && node.Mark().pos >= 0) {
      std::optional<std::string> quoted = quoted_text(source_, static_cast<std::size_t>(node.Mark().pos));
      if (quoted && jinja::find_invalid_utf8(*quoted) == std::string::npos) return Value::string(std::move(*quoted));
    }
    if (jinja::find_invalid_utf8(node.Scalar()) != std::string::npos) fail(node, "not UTF-8");
    return Value::string(node.Scalar());
  }

  Value convert_map(const YAML::Node& node, int depth) {
    const auto dict = jinja::make<jinja::DictObject>();
    jinja::Budget budget{jinja::Limits{}};
    const auto is_merge = [](const YAML::Node& key) {
      return key.IsScalar() && key.Scalar() == "<<" && key.Tag() != "!";
    };
    for (const auto& entry : node) {
      if (is_merge(entry.first)) continue;
      if (!entry.first.IsScalar()) fail(entry.first, "a key must be a text or number");
      const Value key = scalar(entry.first);
      Value value = convert(entry.second, depth + 1);
      // The same said again does no harm.
      if (const Value* before = dict->find(key, budget); before != nullptr && !jinja::equal(*before, value, budget)) {
        fail(entry.first, fmt::format("the key '{}' stands here twice", entry.first.Scalar()));
      }
      dict->set(key, std::move(value), budget);
    }
    for (const auto& entry : node) {
      if (is_merge(entry.first)) merge(*dict, entry.second, depth);
    }
    return Value(dict);
  }

  // `<<: *anchor`: the keys of another mapping, below this one's own.
  void merge(jinja::DictObject& dict, const YAML::Node& node, int depth) {
    const Value merged = convert(node, depth + 1);
    if (!merged.is_dict()) fail(node, "'<<' needs a mapping");
    jinja::Budget budget{jinja::Limits{}};
    for (const auto& [key, value] : merged.as_dict().entries()) {
      if (dict.find(key, budget) == nullptr) dict.set(key, value, budget);
    }
  }

  std::filesystem::path file_;
  std::string_view source_;
  std::size_t nodes_ = 0;
};

}  // namespace

std::string YamlPlace::text() const { return fmt::format("{}:{}", file.string(), line); }

YamlMapping read_yaml(const std::filesystem::path& file) {
  const std::string text = read_text_file(file);
  YAML::Node root;
  try {
    root = YAML::Load(text);
  } catch (const YAML::Exception& error) {
    throw RecipeError(fmt::format("{}:{}: not valid YAML: {}", file.string(), error.mark.line + 1, error.msg));
  }
  return YamlReader(file, text).run(root);
}

std::string function_name(const Value& value) {
  const Value* name = value.is_dict() ? value.as_dict().find(kFunctionKey) : nullptr;
  return name == nullptr || !name->is_string() ? std::string() : name->as_string();
}

}  // namespace cambium::tasks
