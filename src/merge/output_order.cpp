#include "merge/output_order.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <tuple>

namespace cambium::merge {
namespace {

using family::Part;
using family::Role;

int group_of(const family::TensorRole& tensor) {
  if (tensor.part != Part::kLanguage) return 4;
  if (tensor.role == Role::kEmbedding || tensor.role == Role::kPositionEmbedding) return 0;
  if (tensor.layer >= 0) return 1;
  return tensor.role == Role::kLmHead ? 3 : 2;
}

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// "layers.9.x" before "layers.10.x".
bool natural_less(std::string_view left, std::string_view right) {
  while (!left.empty() && !right.empty()) {
    if (is_digit(left.front()) && is_digit(right.front())) {
      const auto end = [](std::string_view text) {
        return static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
      };
      const std::string_view a = left.substr(0, end(left)), b = right.substr(0, end(right));
      if (a.size() != b.size()) return a.size() < b.size();
      if (a != b) return a < b;
      left.remove_prefix(a.size());
      right.remove_prefix(b.size());
      continue;
    }
    if (left.front() != right.front()) return left.front() < right.front();
    left.remove_prefix(1);
    right.remove_prefix(1);
  }
  return left.size() < right.size();
}

}  // namespace

void sort_for_output(std::vector<PlannedTensor>& tensors) {
  std::ranges::sort(tensors, [](const PlannedTensor& left, const PlannedTensor& right) {
    const int a = group_of(*left.role), b = group_of(*right.role);
    if (a != b) return a < b;
    return natural_less(left.output.name, right.output.name);
  });
}

}  // namespace cambium::merge
