#include "text/jinja_sort.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "text/jinja_operators.h"
#include "text/jinja_runtime.h"

namespace cambium::text::jinja {

std::vector<Value> sorted(const std::vector<Value>& items, const std::vector<Value>& keys, bool reverse,
                          Budget& budget) {
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // An own merge sort: with NaN among the keys "less" is no order, which std::stable_sort may not be given.
  std::vector<std::size_t> merged(items.size());
  for (std::size_t width = 1; width < items.size(); width *= 2) {
    for (std::size_t begin = 0; begin < items.size(); begin += 2 * width) {
      const std::size_t middle = std::min(begin + width, items.size());
      const std::size_t end = std::min(begin + 2 * width, items.size());
      std::size_t left = begin;
      std::size_t right = middle;
      for (std::size_t out = begin; out < end; ++out) {
        bool take_right = left == middle;
        if (!take_right && right < end) {
          const Value& a = keys[order[left]];
          const Value& b = keys[order[right]];
          take_right = reverse ? less(a, b, budget) : less(b, a, budget);
        }
        merged[out] = take_right ? order[right++] : order[left++];
      }
    }
    order.swap(merged);
  }
  std::vector<Value> result;
  result.reserve(items.size());
  for (const std::size_t i : order) result.push_back(items[i]);
  return result;
}

Ref<DictObject> dict_from_arguments(Runtime& runtime, std::string_view function, Arguments& arguments) {
  auto dict = make<DictObject>();
  if (arguments.positional.size() > 1) {
    throw TemplateError(ErrorKind::kType,
                        fmt::format("{} expected at most 1 argument, got {}", function, arguments.positional.size()));
  }
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional.front();
    if (source.is_dict()) {
      for (const auto& [key, value] : source.as_dict().entries()) dict->set(key, value, runtime.budget());
    } else {
      for (const Value& pair : collect(runtime, source)) {
        const std::vector<Value> two = collect(runtime, pair);
        if (two.size() != 2) {
          throw TemplateError(ErrorKind::kValue,
                              fmt::format("a pair of a key and a value is needed, not {} items", two.size()));
        }
        dict->set(two[0], two[1], runtime.budget());
      }
    }
  }
  for (auto& [name, value] : arguments.named) dict->set(name, std::move(value));
  return dict;
}

}  // namespace cambium::text::jinja
