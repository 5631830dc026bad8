#include "family/suffix_alignment.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace cambium::family {
namespace {

bool is_candidate(const TensorRole& tensor) { return tensor.part == Part::kLanguage && tensor.role != Role::kBuffer; }
bool is_vocabulary_matrix(const TensorRole& tensor) {
  return (tensor.role == Role::kEmbedding || tensor.role == Role::kLmHead) && tensor.shape.size() == 2;
}

bool shapes_fit(const TensorRole& base, const TensorRole& model) {
  if (base.shape == model.shape) return true;
  return is_vocabulary_matrix(base) && is_vocabulary_matrix(model) && base.role == model.role &&
         base.shape[1] == model.shape[1];
}

bool is_number(std::string_view component) {
  return !component.empty() && std::ranges::all_of(component, [](char c) { return c >= '0' && c <= '9'; });
}

// Length of the longest common suffix of whole components.
std::size_t common_suffix(std::string_view one, std::string_view other) {
  std::size_t best = 0;
  for (std::size_t length = 0;; ++length) {
    const bool one_ends = length == one.size(), other_ends = length == other.size();
    const bool one_cut = one_ends || one[one.size() - 1 - length] == '.';
    const bool other_cut = other_ends || other[other.size() - 1 - length] == '.';
    if (one_cut && other_cut && length > 0) best = length;
    if (one_ends || other_ends || one[one.size() - 1 - length] != other[other.size() - 1 - length]) return best;
  }
}

bool has_number(std::string_view prefix) {
  while (!prefix.empty()) {
    const std::size_t dot = std::min(prefix.find('.'), prefix.size());
    if (is_number(prefix.substr(0, dot))) return true;
    prefix.remove_prefix(std::min(dot + 1, prefix.size()));
  }
  return false;
}

// What names must share to be compared at all: from the last number on, or the last two components.
std::string_view key_of(std::string_view name) {
  std::size_t dots = 0;
  for (std::size_t end = name.size(); end != std::string_view::npos && end > 0;) {
    const std::size_t dot = name.rfind('.', end - 1);
    const std::size_t begin = dot == std::string_view::npos ? 0 : dot + 1;
    if (is_number(name.substr(begin, end - begin))) return name.substr(begin);
    ++dots;
    end = dot;
  }
  const std::size_t last = name.rfind('.');
  if (last == std::string_view::npos || last == 0 || dots < 2) return name;
  const std::size_t before = name.rfind('.', last - 1);
  return before == std::string_view::npos ? name : name.substr(before + 1);
}

using Prefixes = std::pair<std::string_view, std::string_view>;  // stripped from the base's and the model's name
using Pair = std::pair<const TensorRole*, const TensorRole*>;

std::map<Prefixes, std::vector<Pair>> candidates(const ModelDescription& base, const ModelDescription& model) {
  std::multimap<std::string_view, const TensorRole*> by_key;
  for (const TensorRole& tensor : model.tensors) {
    if (is_candidate(tensor)) by_key.emplace(key_of(tensor.name), &tensor);
  }
  std::map<Prefixes, std::vector<Pair>> pairs;
  for (const TensorRole& tensor : base.tensors) {
    if (!is_candidate(tensor)) continue;
    const auto [first, last] = by_key.equal_range(key_of(tensor.name));
    for (auto at = first; at != last; ++at) {
      const TensorRole& other = *at->second;
      const std::size_t length = common_suffix(tensor.name, other.name);
      const Prefixes prefixes{std::string_view(tensor.name).substr(0, tensor.name.size() - length),
                              std::string_view(other.name).substr(0, other.name.size() - length)};
      if (!shapes_fit(tensor, other) || has_number(prefixes.first) || has_number(prefixes.second)) continue;
      pairs[prefixes].emplace_back(&tensor, &other);
    }
  }
  return pairs;
}

Reading reading(const TensorRole& target, const TensorRole& source) {
  const std::int64_t rows = target.shape.empty() ? 1 : target.shape[0];
  const std::int64_t source_rows = source.shape.empty() ? 1 : source.shape[0];
  return {.target = target.name,
          .role = target.role,
          .layer = target.layer,
          .pieces = {{.source = source.name,
                      .source_rows = RowBlocks::range(0, source_rows),
                      .target_rows = RowBlocks::range(0, rows),
                      .source_transposed = false,
                      .whole_source = true}},
          .target_transposed = false,
          .vocabulary = is_vocabulary_matrix(target)};
}

// The head of one side read from the embedding of the other, which is tied and stores no head.
bool read_head_from_embedding(const TensorRole& head, const ModelDescription& other, std::optional<Reading>& place) {
  if (head.role != Role::kLmHead || !is_vocabulary_matrix(head) || !other.language.tie_word_embeddings) return false;
  for (const TensorRole& tensor : other.tensors) {
    const bool embedding =
        tensor.part == Part::kLanguage && tensor.role == Role::kEmbedding && is_vocabulary_matrix(tensor);
    if (!embedding || tensor.shape[1] != head.shape[1]) continue;
    place = reading(head, tensor);
    return true;
  }
  return false;
}

}  // namespace

void align_by_suffix(const ModelDescription& base, const ModelDescription& model, const AlignmentOptions& options,
                     Alignment& alignment) {
  const auto pairs = candidates(base, model);
  std::vector<const std::pair<const Prefixes, std::vector<Pair>>*> order;
  for (const auto& entry : pairs) order.push_back(&entry);
  std::ranges::stable_sort(
      order, [](const auto* one, const auto* other) { return one->second.size() > other->second.size(); });

  std::map<const TensorRole*, const TensorRole*> model_of, base_of;
  for (const auto* entry : order) {
    for (const auto& [mine, other] : entry->second) {
      if (model_of.contains(mine) || base_of.contains(other)) continue;
      model_of[mine] = other;
      base_of[other] = mine;
    }
  }

  std::vector<std::string> missing, extra;
  for (const TensorRole& tensor : base.tensors) {
    const auto found = model_of.find(&tensor);
    if (found != model_of.end()) {
      alignment.base_from_model.push_back(reading(tensor, *found->second));
    } else if (tensor.role == Role::kBuffer) {
      alignment.buffers.push_back(tensor.name);
    } else if (tensor.part != Part::kLanguage) {
      alignment.base_modality_only.push_back(tensor.name);
    } else if (!read_head_from_embedding(tensor, model, alignment.base_head_from_model_embedding)) {
      missing.push_back(tensor.name);
    }
  }
  const std::string_view language = order.empty() ? std::string_view{} : order.front()->first.second;
  for (const TensorRole& tensor : model.tensors) {
    const auto found = base_of.find(&tensor);
    const bool below_language = !language.empty() && tensor.name.starts_with(language);
    if (found != base_of.end()) {
      alignment.model_from_base.push_back(reading(tensor, *found->second));
    } else if (tensor.part == Part::kLanguage && tensor.role == Role::kBuffer) {
      alignment.buffers.push_back(tensor.name);
    } else if (tensor.part != Part::kLanguage || (model.multimodal && !below_language)) {
      alignment.modality_only.push_back(tensor.name);
    } else if (!read_head_from_embedding(tensor, base, alignment.model_head_from_base_embedding)) {
      extra.push_back(tensor.name);
    }
  }
  const auto report = [&](std::vector<std::string>& tensors, const std::string& from, const std::string& to) {
    if (tensors.empty()) return;
    if (options.skip_unmatched) {
      std::ranges::move(tensors, std::back_inserter(alignment.skipped));
      return;
    }
    alignment.problems.push_back(
        {fmt::format("tensors of {} without counterpart of the same shape and name ending in {}", from, to),
         std::move(tensors)});
  };
  report(missing, alignment.base_label, alignment.model_label);
  report(extra, alignment.model_label, alignment.base_label);
}

}  // namespace cambium::family
