#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <map>
#include <memory>
#include <set>

#include "merge/emission.h"
#include "merge/matching.h"
#include "merge/merge_modules.h"
#include "merge/merge_plan.h"
#include "merge/method_table.h"
#include "merge/output_companions.h"
#include "merge/output_config.h"
#include "merge/output_order.h"
#include "merge/part_planner.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

using family::Part;
using family::Role;
using family::TensorRole;

constexpr std::string_view kHeadName = "lm_head.weight";
constexpr std::string_view kEmbeddingName = "embed_tokens.weight";

// "model.layers.7.mlp.up_proj.weight" with layer 7 -> 9: "model.layers.9.mlp.up_proj.weight".
std::string with_layer(std::string_view name, int from, std::int64_t to) {
  const std::string number = fmt::format(".{}.", from);
  const auto at = name.find(number);
  if (at == std::string_view::npos) return std::string(name);
  return fmt::format("{}.{}.{}", name.substr(0, at), to, name.substr(at + number.size()));
}

// Where the head of a model goes whose file has none.
std::string head_name(std::string_view embedding) {
  static constexpr std::string_view kNested = "language_model.model.embed_tokens.weight";
  if (embedding.ends_with(kNested)) {
    return std::string(embedding.substr(0, embedding.size() - kNested.size())) + "language_model.lm_head.weight";
  }
  if (embedding.ends_with("embed_in.weight")) return "embed_out.weight";
  return std::string(kHeadName);
}

// Place of a layer in its run, 0..1.
double place_of(std::int64_t layer, std::int64_t layers) {
  return layers > 1 ? static_cast<double>(layer) / static_cast<double>(layers - 1) : 1.0;
}

// Plans one output.
class Planner {
 public:
  Planner(const Recipe& recipe, SourcePool& pool, const PlanOptions& options, const Emission& emission)
      : recipe_(recipe),
        pool_(pool),
        method_(*find_method(recipe.method).info),
        layout_(*emission.layout),
        carry_(*emission.carry),
        modules_(open_modules(recipe, pool, method_, layout_)) {
    plan_.name = emission.name;
    plan_.layout = &layout_;
    plan_.seed = recipe.seed;
    plan_.allow_nonfinite = options.allow_nonfinite;
    plan_.roles = std::make_shared<std::deque<TensorRole>>();
    plan_.notes = recipe.notes;
    mixed_ = std::ranges::any_of(merged_sources(), [&](const Source* source) {
      return source->description().multimodal != layout_.description().multimodal;
    });
    by_token_ = mixed_ || recipe.embeddings != EmbeddingRule::kDefault;
    for (const Source* source : merged_sources()) static_cast<void>(matching(*source));
    for (const auto& [source, each] : matchings_) {
      plan_.notes.insert(plan_.notes.end(), each->notes().begin(), each->notes().end());
    }
    parts_.emplace(recipe, method_, vocabulary_rule(options), mixed_);
  }

  MergePlan plan() {
    plan_language();
    std::set<std::string> buffers;
    for (const TensorRole& tensor : layout_.description().tensors) {
      if (tensor.role == Role::kBuffer) {
        buffers.insert(tensor.name);
      } else if (tensor.part != Part::kLanguage) {
        plan_modality(tensor);
      }
    }
    check_selection();
    if (!buffers.empty()) {
      plan_.notes.push_back(fmt::format("{} computed tables are left out (loading a model makes them anew), such as {}",
                                        buffers.size(), *buffers.begin()));
    }
    sort_for_output(plan_.tensors);
    facts_.tokenizer_source = tokenizer_source_;
    plan_.config = output_config(plan_, facts_);
    plan_.companions = output_companions(recipe_, pool_, layout_, merged_vocabulary_.get());
    return std::move(plan_);
  }

 private:
  // A misspelt selection would merge nothing, and say so only in numbers.
  void check_selection() const {
    if (recipe_.only.empty()) return;
    const bool picks = std::ranges::any_of(plan_.tensors, [&](const PlannedTensor& tensor) {
      return any_matches(recipe_.only, {tensor.output.name, tensor.role, std::nullopt});
    });
    if (picks) return;
    throw RecipeError(
        fmt::format("{}: `only` picks none of the {} tensors, so that nothing would be merged; names are such as {}",
                    recipe_.file, plan_.tensors.size(), plan_.tensors.front().output.name));
  }
  std::vector<const Source*> merged_sources() const {
    std::vector<const Source*> sources;
    for (const MergeModule& module : modules_) {
      for (const Slice& slice : module.slices) {
        for (const SliceSource& each : slice.sources) {
          if (std::ranges::find(sources, each.source) == sources.end()) sources.push_back(each.source);
        }
      }
    }
    return sources;
  }

  VocabularyRule vocabulary_rule(const PlanOptions& options) {
    VocabularyRule rule;
    rule.embeddings = recipe_.embeddings;
    if (recipe_.tokenizer) {
      make_vocabulary(rule);
    } else if (options.truncate_embeddings) {
      rule.kind = VocabularyRule::Kind::kTruncate;
    } else if (by_token_) {
      rule.kind = VocabularyRule::Kind::kToken;
    }
    return rule;
  }

  void make_vocabulary(VocabularyRule& rule) {
    const TokenizerSpec& spec = *recipe_.tokenizer;
    if (layout_.description().multimodal && mixed_) {
      throw RecipeError(
          fmt::format("{}: {} is multimodal: its rows of picture tokens must stay where its config expects "
                      "them; leave the tokenizer out (rows are lined up by token anyway)",
                      recipe_.file, layout_.label()));
    }
    if (spec.source == TokenizerSpec::Source::kModel) tokenizer_source_ = &pool_.open(spec.model, recipe_);
    std::vector<TokenizerInput> inputs;
    for (const ModelReference& reference : recipe_.models()) {
      const Source& source = pool_.open(reference, recipe_);
      const TensorRole* embedding = source.find_canonical(kEmbeddingName);
      inputs.push_back({&source, embedding == nullptr || embedding->shape.empty() ? 0 : embedding->shape.front()});
      rule.merged_models.push_back(&source);
    }
    merged_vocabulary_ = std::make_unique<MergedVocabulary>(merge_vocabularies(spec, inputs, 0, tokenizer_source_));
    rule.kind = VocabularyRule::Kind::kMerged;
    rule.merged = merged_vocabulary_.get();
  }

  const Matching& matching(const Source& source) {
    std::unique_ptr<Matching>& each = matchings_[&source];
    if (!each) each = std::make_unique<Matching>(pool_, layout_, source, !by_token_);
    return *each;
  }

  const MergeModule* module_for(Part part) const {
    // A module of its own goes before `default`.
    const MergeModule* found = nullptr;
    for (const MergeModule& module : modules_) {
      if (module.covers(part) && (found == nullptr || found->parts.empty())) found = &module;
    }
    return found;
  }

  void plan_language() {
    const MergeModule* module = module_for(Part::kLanguage);
    for (const TensorRole& tensor : layout_.description().tensors) {
      if (tensor.part != Part::kLanguage || tensor.role == Role::kBuffer) continue;
      if (module == nullptr) {
        carry(tensor, layout_);
      } else if (tensor.layer < 0) {
        const bool first = tensor.role == Role::kEmbedding || tensor.role == Role::kPositionEmbedding;
        plan_whole(tensor, *module, first ? module->slices.front() : module->slices.back(), 0.0);
      } else if (module->whole) {
        const Slice& slice = module->slices.front();
        plan_whole(tensor, *module, slice, place_of(tensor.layer, slice.layers));
      }
    }
    if (module == nullptr) return;
    if (!module->whole) plan_slices(*module);
    plan_missing_head(*module);
  }

  // A tensor of the layout, read from each source by its alignment.
  void plan_whole(const TensorRole& tensor, const MergeModule& module, const Slice& slice, double place) {
    PlannedTensor planned = started(tensor);
    for (const SliceSource& each : slice.sources) {
      const bool rows = parts_->looks_rows_up(tensor);
      std::optional<TensorForm> form = matching(*each.source).find(tensor, rows);
      if (!form) {
        throw ShapeError(fmt::format("{} has nothing that stands for tensor '{}' of {}", each.source->label(),
                                     tensor.name, layout_.label()));
      }
      add_input(planned, each, std::move(*form), tensor);
    }
    finish(std::move(planned), module, slice, place, own(tensor));
  }

  void plan_slices(const MergeModule& module) {
    std::int64_t layer = 0;
    for (const Slice& slice : module.slices) {
      const Source& first = *slice.sources.front().source;
      for (std::int64_t k = 0; k < slice.layers; ++k, ++layer) {
        const std::int64_t from = slice.sources.front().first_layer + k;
        facts_.layers_from.emplace_back(&first, from);
        for (const TensorRole& tensor : first.description().tensors) {
          if (tensor.part == Part::kLanguage && tensor.layer == from && tensor.role != Role::kBuffer) {
            plan_layer_tensor(tensor, layer, module, slice, k);
          }
        }
      }
    }
  }

  // A tensor of the first source's layer, put at another layer of the output.
  void plan_layer_tensor(const TensorRole& tensor, std::int64_t layer, const MergeModule& module, const Slice& slice,
                         std::int64_t k) {
    TensorRole placed = tensor;
    placed.name = with_layer(tensor.name, tensor.layer, layer);
    placed.canonical = with_layer(tensor.canonical, tensor.layer, layer);
    placed.layer = static_cast<int>(layer);
    const TensorRole& role = plan_.roles->emplace_back(std::move(placed));
    PlannedTensor planned = started(role);
    for (const SliceSource& each : slice.sources) {
      const std::string canonical = with_layer(tensor.canonical, tensor.layer, each.first_layer + k);
      const TensorRole* found = each.source->find_canonical(canonical);
      if (found == nullptr || found->shape != tensor.shape || found->transposed != tensor.transposed) {
        throw ShapeError(fmt::format("{}: {} has no tensor like '{}' {} of {}", slice.where, each.source->label(),
                                     tensor.name, to_string(tensor.shape), slice.sources.front().source->label()));
      }
      add_input(planned, each, form_of(*each.source, whole_reading(*found), found->shape), *found);
    }
    finish(std::move(planned), module, slice, place_of(k, slice.layers), planned.inputs.front());
  }

  // A head, where the layout has none (tied) but an input does: the tied ones give their embeddings.
  void plan_missing_head(const MergeModule& module) {
    const TensorRole* embedding = layout_.find_canonical(kEmbeddingName);
    if (layout_.find_canonical(kHeadName) != nullptr || embedding == nullptr) {
      facts_.untied = layout_.find_canonical(kHeadName) != nullptr && any_own_head(module.slices.back());
      return;
    }
    const Slice& slice = module.slices.back();
    const bool any = std::ranges::any_of(
        slice.sources, [](const SliceSource& each) { return each.source->find_canonical(kHeadName) != nullptr; });
    if (!any) return;
    facts_.untied = any_own_head(slice);
    TensorRole head = *embedding;
    head.name = head_name(embedding->name);
    head.canonical = kHeadName;
    head.role = Role::kLmHead;
    const TensorRole& role = plan_.roles->emplace_back(std::move(head));
    PlannedTensor planned = started(role);
    for (const SliceSource& each : slice.sources) {
      std::optional<TensorForm> form = matching(*each.source).find_head(*embedding, parts_->looks_rows_up(role));
      if (!form) throw ShapeError(fmt::format("{} has neither head nor embedding", each.source->label()));
      add_input(planned, each, std::move(*form), role);
    }
    finish(std::move(planned), module, slice, 0.0, own(*embedding));
  }

  static bool any_own_head(const Slice& slice) {
    return std::ranges::any_of(slice.sources, [](const SliceSource& each) {
      return each.source->find_canonical(kHeadName) != nullptr &&
             !each.source->description().language.tie_word_embeddings;
    });
  }

  // Towers, projectors ...: merged where every model has them, else carried.
  void plan_modality(const TensorRole& tensor) {
    const MergeModule* module = module_for(tensor.part);
    if (module == nullptr || recipe_.carry || !module->whole) return carry(tensor, carry_);
    const Slice& slice = module->slices.front();
    PlannedTensor planned = started(tensor);
    for (const SliceSource& each : slice.sources) {
      std::optional<TensorForm> form = matching(*each.source).find(tensor, false);
      if (!form || form->shape != tensor.shape) return carry(tensor, carry_);
      add_input(planned, each, std::move(*form), tensor);
    }
    finish(std::move(planned), *module, slice, tensor.layer >= 0 ? place_of(tensor.layer, layers_of(tensor.part)) : 0.0,
           own(tensor));
  }

  std::int64_t layers_of(Part part) {
    std::int64_t& layers = part_layers_[part];
    if (layers == 0) {
      for (const TensorRole& tensor : layout_.description().tensors) {
        if (tensor.part == part) layers = std::max<std::int64_t>(layers, tensor.layer + 1);
      }
    }
    return layers;
  }

  // The layout's own tensor, in the form of the output.
  PlannedInput own(const TensorRole& tensor) {
    return {&layout_, *matching(layout_).find(tensor, parts_->looks_rows_up(tensor)), tensor.name, false};
  }

  void carry(const TensorRole& tensor, const Source& from) {
    PlannedTensor planned = started(tensor);
    std::optional<TensorForm> form = matching(from).find(tensor, false);
    if (!form || form->shape != tensor.shape) {
      throw ShapeError(fmt::format("carry: {} has nothing that stands for tensor '{}' {} of {}", from.label(),
                                   tensor.name, to_string(tensor.shape), layout_.label()));
    }
    planned.inputs.push_back({&from, std::move(*form), tensor.name, false});
    parts_->carry(planned);
    plan_.tensors.push_back(std::move(planned));
  }

  static PlannedTensor started(const TensorRole& tensor) {
    PlannedTensor planned;
    planned.output = {tensor.name, DType::kF32, tensor.shape};
    planned.role = &tensor;
    return planned;
  }

  static void add_input(PlannedTensor& planned, const SliceSource& source, TensorForm form, const TensorRole& tensor) {
    std::string name = form.reading.pieces.front().source;
    // Filters see a tied head by its own name, not by that of the embedding it is read from.
    if (tensor.role == Role::kLmHead && source.source->description().find(name)->role != Role::kLmHead)
      name = tensor.name;
    planned.inputs.push_back({source.source, std::move(form), std::move(name), source.is_base});
  }

  void finish(PlannedTensor planned, const MergeModule& module, const Slice& slice, double place,
              PlannedInput otherwise) {
    parts_->plan(planned, {&module, &slice, place, std::move(otherwise)});
    plan_.tensors.push_back(std::move(planned));
  }

  const Recipe& recipe_;
  SourcePool& pool_;
  const MethodInfo& method_;
  const Source& layout_;
  const Source& carry_;
  std::vector<MergeModule> modules_;
  bool mixed_ = false;     ///< language models and multimodal ones
  bool by_token_ = false;  ///< vocabulary rows are paired by token
  const Source* tokenizer_source_ = nullptr;
  std::unique_ptr<MergedVocabulary> merged_vocabulary_;
  std::map<const Source*, std::unique_ptr<Matching>> matchings_;
  std::map<Part, std::int64_t> part_layers_;
  std::optional<PartPlanner> parts_;
  OutputFacts facts_;
  MergePlan plan_;
};

}  // namespace

std::vector<MergePlan> plan_merge(const Recipe& recipe, SourcePool& pool, const PlanOptions& options) {
  std::vector<MergePlan> plans;
  for (const Emission& emission : emissions_of(recipe, pool)) {
    plans.push_back(Planner(recipe, pool, options, emission).plan());
  }
  return plans;
}

}  // namespace cambium::merge
