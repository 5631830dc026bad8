#include "tasks/few_shot_sampler.h"

#include <fmt/format.h>

#include <algorithm>

#include "tensor/error.h"
#include "text/jinja_operators.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

bool same_document(const Value& a, const Value& b) {
  jinja::Budget budget{jinja::Limits{}};
  return jinja::equal(a, b, budget);
}

}  // namespace

bool is_known_sampler(std::string_view name) { return name == "default" || name == "first_n"; }
std::string known_samplers() { return "default, first_n"; }

FewShotSampler::FewShotSampler(std::string_view name, std::vector<Value> pool, std::uint64_t seed, std::string task)
    : first_n_(name == "first_n"), pool_(std::move(pool)), random_(seed), task_(std::move(task)) {}

void FewShotSampler::fail_too_few(std::size_t count, std::size_t available) const {
  throw RecipeError(
      fmt::format("task '{}': {} few-shot examples are asked for, but there are only {} documents to take them from",
                  task_, count, available));
}

std::vector<Value> FewShotSampler::take(const std::vector<Value>& from, std::size_t count) {
  if (count > from.size()) fail_too_few(count, from.size());
  std::vector<Value> chosen;
  for (const std::size_t position : random_.sample(from.size(), count)) chosen.push_back(from[position]);
  return chosen;
}

std::vector<Value> FewShotSampler::draw(std::size_t count, const Value* asked) {
  if (asked == nullptr) return take(pool_, count);
  // One more is drawn, in case the question itself is among them.
  std::vector<Value> chosen = take(pool_, count + 1);
  std::erase_if(chosen, [&](const Value& document) { return same_document(document, *asked); });
  if (chosen.size() > count) chosen.resize(count);
  if (chosen.size() == count) return chosen;
  // The question stands in the pool more than once.
  std::vector<Value> others;
  std::ranges::copy_if(pool_, std::back_inserter(others),
                       [&](const Value& document) { return !same_document(document, *asked); });
  return take(others, count);
}

std::vector<Value> FewShotSampler::sample(std::size_t count, const Value* asked) {
  if (count == 0) return {};
  if (!first_n_) return draw(count, asked);
  std::vector<Value> first;
  for (const Value& document : pool_) {
    if (first.size() == count) break;
    if (asked == nullptr || !same_document(document, *asked)) first.push_back(document);
  }
  if (first.size() < count) fail_too_few(count, first.size());
  return first;
}

}  // namespace cambium::tasks
