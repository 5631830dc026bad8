#include "merge/adapter_target.h"

#include <algorithm>
#include <string>
#include <vector>

namespace cambium::merge {

using family::FusedPart;
using family::ModelDescription;
using family::Part;
using family::TensorRole;

namespace {

enum class Origin {
  kPlain,     // a language model by itself
  kLanguage,  // the language model inside of a multimodal one
  kOther,     // a tower or projector
};

std::vector<std::string_view> words_of(std::string_view path) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t dot = path.find('.');
    words.push_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return words;
    path.remove_prefix(dot + 1);
  }
}

bool is_number(std::string_view word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

Origin origin_of(const std::vector<std::string_view>& words) {
  Origin origin = Origin::kPlain;
  for (const std::string_view word : words) {
    if (word == "language_model" || word == "text_model") origin = Origin::kLanguage;
    for (const std::string_view tower : {"vision", "visual", "audio", "video", "image", "projector", "connector"}) {
      if (word.find(tower) != std::string_view::npos) return Origin::kOther;
    }
  }
  return origin;
}

bool is_language(Part part) { return part == Part::kLanguage || part == Part::kCrossAttention; }

// "model.layers.3.self_attn.q_proj.weight" -> "layers.3.self_attn.q_proj.weight".
std::string_view canonical_of(std::string_view path) {
  if (path.starts_with("layers.")) return path;
  if (const std::size_t at = path.find(".layers."); at != std::string_view::npos) return path.substr(at + 1);
  for (const std::string_view name : {"embed_tokens.weight", "norm.weight", "lm_head.weight"}) {
    const bool whole_word =
        path.size() == name.size() || (path.size() > name.size() && path[path.size() - name.size() - 1] == '.');
    if (path.ends_with(name) && whole_word) return name;
  }
  return {};
}

AdapterTarget find_canonical(const ModelDescription& model, std::string_view canonical) {
  if (canonical.empty()) return {};
  for (const TensorRole& tensor : model.tensors) {
    if (!is_language(tensor.part)) continue;
    if (tensor.canonical == canonical) return {.tensor = &tensor, .rows = {}};
    for (const FusedPart& part : tensor.parts) {
      if (part.canonical == canonical) return {.tensor = &tensor, .rows = part.rows};
    }
  }
  return {};
}

// The tensor whose name has the longest common end with the path, layer numbers included.
const TensorRole* longest_end(const ModelDescription& model, const std::vector<std::string_view>& words,
                              Origin origin) {
  std::size_t needed = 2;
  const auto number = std::ranges::find_if(words, is_number);
  if (number != words.end()) needed = static_cast<std::size_t>(words.end() - number);
  const TensorRole* best = nullptr;
  std::size_t best_length = 0;
  bool several = false;
  for (const TensorRole& tensor : model.tensors) {
    if (is_language(tensor.part) != (origin != Origin::kOther)) continue;
    const std::vector<std::string_view> own = words_of(tensor.name);
    const auto differ = std::mismatch(words.rbegin(), words.rend(), own.rbegin(), own.rend());
    const auto length = static_cast<std::size_t>(differ.first - words.rbegin());
    if (length < needed || length < best_length) continue;
    several = length == best_length;
    best_length = length;
    best = &tensor;
  }
  return several ? nullptr : best;
}

}  // namespace

AdapterTarget find_adapter_target(const ModelDescription& model, std::string_view path) {
  if (const TensorRole* const same = model.find(path)) return {.tensor = same, .rows = {}};
  const std::vector<std::string_view> words = words_of(path);
  const Origin origin = origin_of(words);
  const std::string_view canonical = canonical_of(path);
  if (origin == Origin::kPlain) {
    if (const AdapterTarget found = find_canonical(model, canonical); found.tensor != nullptr) return found;
  }
  if (const TensorRole* const found = longest_end(model, words, origin)) return {.tensor = found, .rows = {}};
  if (canonical == "lm_head.weight" && model.language.tie_word_embeddings)
    return find_canonical(model, "embed_tokens.weight");
  return {};
}

}  // namespace cambium::merge
