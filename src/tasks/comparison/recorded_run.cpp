#include "tasks/comparison/recorded_run.h"

#include <algorithm>
#include <cmath>

#include "text/jinja_json.h"
#include "text/jinja_operators.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Type;
using jinja::Value;

// Whole floats as integers: one writer has 51.0 where another has 51.
Value plain(const Value& value) {
  if (value.is(Type::kFloat) && value.as_float() == std::floor(value.as_float()) && std::abs(value.as_float()) < 9e15)
    return Value::integer(static_cast<std::int64_t>(value.as_float()));
  if (value.is_sequence()) {
    std::vector<Value> items;
    for (const Value& item : value.items()) items.push_back(plain(item));
    return Value::list(std::move(items));
  }
  if (value.is_dict()) {
    Value made = Value::dict();
    for (const auto& [key, item] : value.as_dict().entries()) {
      if (key.is_string()) made.as_dict().set(key.as_string(), plain(item));
    }
    return made;
  }
  return value;
}

}  // namespace

const RecordedScore* RecordedSample::score(std::string_view metric, std::string_view filter) const {
  const auto found = std::ranges::find_if(
      scores, [&](const RecordedScore& one) { return one.metric == metric && one.filter == filter; });
  return found == scores.end() ? nullptr : &*found;
}

std::size_t RecordedSample::likeliest() const {
  const auto best = std::ranges::max_element(answers, {}, &ModelAnswer::log_likelihood);
  return best == answers.end() ? 0 : static_cast<std::size_t>(best - answers.begin());
}

std::string RecordedSample::shown_answer() const {
  if (answers.empty()) return {};
  if (!is_choice()) return answers.front().text;
  const std::string& chosen = answers[likeliest()].continuation;
  // Options are scored behind different contexts in WinoGrande's form: there the number tells them apart.
  const bool alike = std::ranges::all_of(
      answers, [&](const ModelAnswer& one) { return one.continuation == answers.front().continuation; });
  if (alike) return "option " + std::to_string(likeliest() + 1);
  const std::size_t begin = chosen.find_first_not_of(" \n");
  return begin == std::string::npos ? chosen : chosen.substr(begin);
}

const RecordedTask* RecordedRun::find(std::string_view task) const {
  const auto found = std::ranges::find(tasks, task, &RecordedTask::name);
  return found == tasks.end() ? nullptr : &*found;
}

std::string document_key(const Value& document) {
  jinja::Budget budget{jinja::Limits{}};
  jinja::JsonStyle style;
  style.sort_keys = true;
  return jinja::to_json(plain(document), style, budget);
}

}  // namespace cambium::tasks
