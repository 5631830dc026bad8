#include "family/canonical_alignment.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "family/decoder_family.h"
#include "family/family_table.h"

namespace cambium::family {
namespace {

// Output features and input features of a tensor, however it is stored; input features of a vector are 1.
struct Features {
  std::int64_t out = 0;
  std::int64_t in = 1;
};

Features features_of(const TensorRole& tensor) {
  if (tensor.shape.empty()) return {1, 1};
  Features features{tensor.shape[0], 1};
  for (std::size_t i = 1; i < tensor.shape.size(); ++i) features.in *= tensor.shape[i];
  if (tensor.transposed && tensor.shape.size() == 2) std::swap(features.out, features.in);
  return features;
}

bool is_language(const TensorRole& tensor) { return tensor.part == Part::kLanguage && tensor.role != Role::kBuffer; }
bool is_vocabulary(const TensorRole& tensor) { return tensor.role == Role::kEmbedding || tensor.role == Role::kLmHead; }

// Where a canonical tensor is found in a model: a whole tensor or some rows of a fused one.
struct Holder {
  const TensorRole* tensor = nullptr;
  RowBlocks rows;
  bool whole = false;
};

class CanonicalIndex {
 public:
  explicit CanonicalIndex(const ModelDescription& model) {
    for (const TensorRole& tensor : model.tensors) {
      if (!is_language(tensor)) continue;
      holders_[tensor.canonical] = {&tensor, RowBlocks::range(0, features_of(tensor).out), true};
      for (const FusedPart& part : tensor.parts) holders_[part.canonical] = {&tensor, part.rows, false};
    }
  }
  [[nodiscard]] const Holder* find(std::string_view canonical) const {
    const auto found = holders_.find(canonical);
    return found == holders_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string_view, Holder> holders_;
};

bool same_fusion(const TensorRole& one, const TensorRole& other) {
  return std::ranges::equal(one.parts, other.parts, [](const FusedPart& a, const FusedPart& b) {
    return a.canonical == b.canonical && a.rows == b.rows;
  });
}

Piece piece_of(const Holder& holder, RowBlocks target_rows) {
  return {.source = holder.tensor->name,
          .source_rows = holder.rows,
          .target_rows = target_rows,
          .source_transposed = holder.tensor->transposed,
          .whole_source = holder.whole};
}

// What became of one tensor: a reading, no counterpart (no pieces), or one of another shape.
struct Composed {
  Reading reading;
  bool shapes_differ = false;
  std::vector<const TensorRole*> sources;
};

Composed compose(const TensorRole& target, const CanonicalIndex& source) {
  Composed composed;
  composed.reading = {.target = target.name,
                      .role = target.role,
                      .layer = target.layer,
                      .pieces = {},
                      .target_transposed = target.transposed,
                      .vocabulary = is_vocabulary(target)};
  const Features features = features_of(target);
  const auto add = [&](const Holder& holder, RowBlocks rows) {
    composed.reading.pieces.push_back(piece_of(holder, rows));
    composed.sources.push_back(holder.tensor);
    const bool rows_fit = holder.rows.total() == rows.total() || composed.reading.vocabulary;
    const bool ranks_fit = holder.tensor->shape.size() == target.shape.size();
    if (!rows_fit || !ranks_fit || features_of(*holder.tensor).in != features.in) composed.shapes_differ = true;
  };
  const Holder* direct = source.find(target.canonical);
  if (direct != nullptr && (!direct->whole || target.parts.empty() || direct->tensor->parts.empty() ||
                            same_fusion(target, *direct->tensor))) {
    add(*direct, RowBlocks::range(0, features.out));
    return composed;
  }
  for (const FusedPart& part : target.parts) {
    const Holder* holder = source.find(part.canonical);
    if (holder == nullptr) return {};
    add(*holder, part.rows);
  }
  return composed;
}

std::string shape_difference(const TensorRole& target, const Composed& composed) {
  std::string text = fmt::format("{} {}", target.name, to_string(target.shape));
  for (const TensorRole* source : composed.sources)
    text += fmt::format(" - {} {}", source->name, to_string(source->shape));
  return text;
}

std::string_view lineage_of(const LanguageConfig& language) {
  const DecoderFamily* family = find_decoder(language.family);
  return family == nullptr || family->lineage.empty() ? std::string_view(language.family) : family->lineage;
}

// The sizes that explain why shapes differ.
std::string differing_sizes(const LanguageConfig& base, const LanguageConfig& model) {
  struct Size {
    std::string_view name;
    std::int64_t LanguageConfig::*value;
  };
  static constexpr Size kSizes[] = {
      {"hidden_size", &LanguageConfig::hidden_size},   {"intermediate_size", &LanguageConfig::intermediate_size},
      {"num_layers", &LanguageConfig::num_layers},     {"num_heads", &LanguageConfig::num_heads},
      {"num_kv_heads", &LanguageConfig::num_kv_heads}, {"head_dim", &LanguageConfig::head_dim},
  };
  std::vector<std::string> differing;
  if (lineage_of(base) != lineage_of(model))
    differing.push_back(fmt::format("family {} and {}", base.family, model.family));
  for (const Size& size : kSizes) {
    if (base.*size.value == model.*size.value) continue;
    differing.push_back(fmt::format("{} {} and {}", size.name, base.*size.value, model.*size.value));
  }
  return differing.empty() ? "" : fmt::format(" ({})", fmt::join(differing, ", "));
}

// One direction: the readings of one side's language tensors out of the other's.
struct Direction {
  std::vector<Reading> readings;
  std::vector<std::string> missing;
  std::vector<std::string> differing;
};

Direction read_all(const ModelDescription& to, const ModelDescription& from,
                   std::optional<Reading>& head_from_embedding) {
  const CanonicalIndex index(from);
  Direction direction;
  for (const TensorRole& tensor : to.tensors) {
    if (!is_language(tensor)) continue;
    Composed composed = compose(tensor, index);
    if (!composed.reading.pieces.empty() && !composed.shapes_differ) {
      direction.readings.push_back(std::move(composed.reading));
    } else if (!composed.reading.pieces.empty()) {
      direction.differing.push_back(shape_difference(tensor, composed));
    } else {
      const Holder* embedding = index.find("embed_tokens.weight");
      const bool head = tensor.canonical == "lm_head.weight" && from.language.tie_word_embeddings;
      if (head && embedding != nullptr && features_of(*embedding->tensor).in == features_of(tensor).in) {
        head_from_embedding = Reading{.target = tensor.name,
                                      .role = tensor.role,
                                      .layer = -1,
                                      .pieces = {piece_of(*embedding, RowBlocks::range(0, features_of(tensor).out))},
                                      .target_transposed = false,
                                      .vocabulary = true};
      } else {
        direction.missing.push_back(tensor.name);
      }
    }
  }
  return direction;
}

// Towers and projectors of two multimodal models.
void pair_modalities(const ModelDescription& base, const ModelDescription& model, Alignment& alignment) {
  std::map<std::string_view, const TensorRole*> of_model;
  for (const TensorRole& tensor : model.tensors) {
    if (tensor.part != Part::kLanguage) of_model[tensor.canonical] = &tensor;
  }
  const auto reading = [](const TensorRole& target, const TensorRole& source) {
    const RowBlocks rows = RowBlocks::range(0, features_of(target).out);
    return Reading{.target = target.name,
                   .role = target.role,
                   .layer = target.layer,
                   .pieces = {piece_of({&source, rows, true}, rows)},
                   .target_transposed = target.transposed,
                   .vocabulary = false};
  };
  for (const TensorRole& tensor : base.tensors) {
    if (tensor.part == Part::kLanguage) continue;
    const auto found = of_model.find(tensor.canonical);
    if (found == of_model.end() || found->second->shape != tensor.shape || found->second->part != tensor.part) {
      alignment.base_modality_only.push_back(tensor.name);
      continue;
    }
    alignment.base_from_model.push_back(reading(tensor, *found->second));
    alignment.model_from_base.push_back(reading(*found->second, tensor));
    of_model.erase(found);
  }
  for (const auto& [canonical, tensor] : of_model) alignment.modality_only.push_back(tensor->name);
}

void list_buffers(const ModelDescription& side, std::vector<std::string>& buffers) {
  for (const TensorRole& tensor : side.tensors) {
    if (tensor.part == Part::kLanguage && tensor.role == Role::kBuffer) buffers.push_back(tensor.name);
  }
}

}  // namespace

void align_by_canonical_name(const ModelDescription& base, const ModelDescription& model,
                             const AlignmentOptions& options, Alignment& alignment) {
  Direction to_base = read_all(base, model, alignment.base_head_from_model_embedding);
  Direction to_model = read_all(model, base, alignment.model_head_from_base_embedding);
  alignment.base_from_model = std::move(to_base.readings);
  alignment.model_from_base = std::move(to_model.readings);
  pair_modalities(base, model, alignment);
  list_buffers(base, alignment.buffers);
  list_buffers(model, alignment.buffers);

  std::string sizes = differing_sizes(base.language, model.language);
  // The sizes are told once, with the first problem.
  const auto report = [&](std::vector<std::string>& tensors, const std::string& message) {
    if (tensors.empty()) return;
    if (options.skip_unmatched) {
      std::ranges::move(tensors, std::back_inserter(alignment.skipped));
    } else {
      alignment.problems.push_back({message + std::exchange(sizes, ""), std::move(tensors)});
    }
  };
  const auto without_counterpart = [](std::string_view of, std::string_view in) {
    return fmt::format("language tensors of {} without counterpart in {}", of, in);
  };
  // A pair of differing shapes is seen from both sides: once is enough, unless a fused tensor makes it one-sided.
  report(to_base.differing.empty() ? to_model.differing : to_base.differing,
         fmt::format("tensors of {} and {} differ in shape", alignment.base_label, alignment.model_label));
  report(to_base.missing, without_counterpart(alignment.base_label, alignment.model_label));
  report(to_model.missing, without_counterpart(alignment.model_label, alignment.base_label));
  if (lineage_of(base.language) != lineage_of(model.language)) {
    alignment.notes.push_back(
        fmt::format("the decoders are of different families ({} and {}); tensors are paired by what they do",
                    base.language.family, model.language.family));
  }
}

}  // namespace cambium::family
