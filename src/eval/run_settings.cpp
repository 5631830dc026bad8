#include "eval/run_settings.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>

#include "checkpoint/open_file.h"
#include "tasks/python_literal.h"
#include "tensor/error.h"
#include "text/jinja_json.h"
#include "text/jinja_number_text.h"
#include "text/jinja_unicode.h"

namespace cambium::eval {

namespace {

using text::jinja::Value;

std::string lower(std::string_view text) { return text::jinja::to_lower(text); }

// The pieces between commas that are in no bracket and no quotes.
std::vector<std::string_view> split_top_level(std::string_view text) {
  std::vector<std::string_view> pieces;
  std::size_t begin = 0;
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (i == text.size() || (c == ',' && depth == 0 && quote == 0)) {
      if (const auto piece = text::jinja::strip(text.substr(begin, i - begin)); !piece.empty()) pieces.push_back(piece);
      begin = i + 1;
    } else if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '{' || c == '(') {
      ++depth;
    } else if (c == ']' || c == '}' || c == ')') {
      --depth;
    }
  }
  return pieces;
}

Value argument_value(std::string_view text) {
  const std::string word = lower(text);
  if (word == "true") return Value::boolean(true);
  if (word == "false") return Value::boolean(false);
  if (word == "none" || word == "null") return {};
  if (const std::optional<Value> literal = tasks::parse_python_literal(text)) return *literal;
  if (const std::optional<double> number = text::jinja::read_float(text)) return Value::real(*number);
  return Value::string(std::string(text));
}

std::int64_t seed_number(std::string_view text, std::size_t slot) {
  text = text::jinja::strip(text);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= 0) return number;
  // The first two seeds decide nothing; the others must be known, or a run could not be repeated.
  if (lower(text) == "none" && slot < 2) return 0;
  throw UsageError(fmt::format("--seed: '{}' is no number of 0 or more", text));
}

}  // namespace

Seeds parse_seeds(const std::string& text) {
  Seeds seeds;
  if (text.empty()) return seeds;
  const std::vector<std::string_view> pieces = split_top_level(text);
  std::int64_t* const slots[] = {&seeds.python, &seeds.numpy, &seeds.torch, &seeds.fewshot};
  if (pieces.size() == 1) {
    for (std::int64_t* slot : slots) *slot = seed_number(pieces[0], 3);
    return seeds;
  }
  if (pieces.size() != 3 && pieces.size() != 4) {
    throw UsageError(fmt::format("--seed {}: expected one number, or 3 or 4 (python,numpy,torch,fewshot)", text));
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) *slots[i] = seed_number(pieces[i], i);
  return seeds;
}

Value parse_generation_arguments(const std::vector<std::string>& texts) {
  Value arguments = Value::dict();
  for (const std::string& text : texts) {
    if (text::jinja::strip(text).starts_with('{')) {
      try {
        const Value object = text::jinja::from_json(text, "--gen_kwargs");
        for (const auto& [key, value] : object.as_dict().entries()) arguments.as_dict().set(key.as_string(), value);
      } catch (const RecipeError& error) {
        throw UsageError(error.what());
      }
      continue;
    }
    for (const std::string_view piece : split_top_level(text)) {
      const std::size_t equals = piece.find('=');
      if (equals == std::string_view::npos || equals == 0) {
        throw UsageError(fmt::format("--gen_kwargs: expected key=value, found '{}'", piece));
      }
      arguments.as_dict().set(piece.substr(0, equals), argument_value(piece.substr(equals + 1)));
    }
  }
  return arguments.as_dict().size() == 0 ? Value() : arguments;
}

std::map<std::string, std::vector<std::size_t>> parse_samples(const std::string& text) {
  std::map<std::string, std::vector<std::size_t>> samples;
  if (text.empty()) return samples;
  std::error_code ignored;
  const bool is_file = !text.starts_with('{') && std::filesystem::is_regular_file(text, ignored);
  const auto fail = [&]() -> UsageError {
    return UsageError("--samples: expected a JSON object as {\"task\": [0, 3, 7]}, or a file that holds one");
  };
  try {
    const Value object =
        text::jinja::from_json(is_file ? checkpoint::read_file(text) : text, is_file ? text : "--samples");
    if (!object.is_dict()) throw fail();
    for (const auto& [task, numbers] : object.as_dict().entries()) {
      if (!numbers.is_sequence() || numbers.items().empty()) throw fail();
      for (const Value& number : numbers.items()) {
        if (!number.is(text::jinja::Type::kInt) || number.as_int() < 0) throw fail();
        samples[task.as_string()].push_back(static_cast<std::size_t>(number.as_int()));
      }
    }
  } catch (const RecipeError& error) {
    throw UsageError(error.what());
  }
  return samples;
}

}  // namespace cambium::eval
