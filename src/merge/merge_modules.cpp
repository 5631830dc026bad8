#include "merge/merge_modules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "merge/method_table.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

using family::Part;

// What mergekit's architecture files call the parts of multimodal models, and our own words.
constexpr std::array<std::pair<std::string_view, Part>, 12> kPartWords{{
    {"text_decoder", Part::kLanguage},
    {"language_model", Part::kLanguage},
    {"language", Part::kLanguage},
    {"vision_tower", Part::kVisionTower},
    {"vision_model", Part::kVisionTower},
    {"visual", Part::kVisionTower},
    {"audio_tower", Part::kAudioTower},
    {"multi_modal_projector", Part::kProjector},
    {"connector", Part::kProjector},
    {"projector", Part::kProjector},
    {"cross_attention", Part::kCrossAttention},
    {"other", Part::kOther},
}};

std::vector<Part> parts_of(const ModuleSpec& module, const Recipe& recipe) {
  if (module.name == "default") return {};
  std::vector<std::string_view> known{"default"};
  for (const auto& [word, part] : kPartWords) {
    if (word == module.name) return {part};
    known.push_back(word);
  }
  throw RecipeError(fmt::format("{} line {}: unknown module '{}'; {}", recipe.file, module.line, module.name,
                                nearest_names(module.name, known)));
}

void check_sources(const Slice& slice) {
  for (std::size_t i = 0; i < slice.sources.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (slice.sources[i].source == slice.sources[j].source) {
        throw RecipeError(fmt::format("{}: model {} is listed twice", slice.where, slice.sources[i].source->label()));
      }
    }
  }
}

class Opener {
 public:
  Opener(const Recipe& recipe, SourcePool& pool, const MethodInfo& method, const Source& layout)
      : recipe_(recipe), pool_(pool), method_(method), layout_(layout) {}

  MergeModule open(const ModuleSpec& spec) {
    MergeModule module;
    module.spec = &spec;
    module.parts = parts_of(spec, recipe_);
    module.whole = spec.slices.empty();
    if (module.whole) {
      module.slices.push_back(slice_of_models(spec, module.covers(Part::kLanguage)));
    } else {
      require_plain_layers(spec);
      for (std::size_t i = 0; i < spec.slices.size(); ++i) module.slices.push_back(slice_of(spec, i));
    }
    return module;
  }

 private:
  Slice slice_of_models(const ModuleSpec& spec, bool language) {
    Slice slice;
    slice.where = fmt::format("{}: {}", recipe_.file, spec.name == "default" ? "models" : "modules." + spec.name);
    for (const SourceSpec& each : spec.models) {
      slice.sources.push_back({&pool_.open(each.model, recipe_), 0, &each.parameters, false});
    }
    const Source* base = recipe_.base_model ? &pool_.open(*recipe_.base_model, recipe_) : nullptr;
    if (base != nullptr && std::ranges::find(slice.sources, base, &SliceSource::source) == slice.sources.end()) {
      slice.sources.push_back({base, 0, nullptr, false});
    }
    check_sources(slice);
    mark_base(slice, base);
    slice.layers = slice.sources.front().source->description().language.num_layers;
    for (const SliceSource& each : slice.sources) {
      const std::int64_t layers = each.source->description().language.num_layers;
      if (language && layers != slice.layers) {
        throw RecipeError(fmt::format(
            "{}: {} has {} layers, {} has {}; models of different depth are merged with slices", slice.where,
            slice.sources.front().source->label(), slice.layers, each.source->label(), layers));
      }
    }
    return slice;
  }

  Slice slice_of(const ModuleSpec& spec, std::size_t number) {
    const SliceSpec& written = spec.slices[number];
    Slice slice;
    slice.where = fmt::format("{} line {}: slice {}", recipe_.file, written.line, number + 1);
    slice.settings = &written.parameters;
    for (const SourceSpec& each : written.sources) {
      const Source& source = pool_.open(each.model, recipe_);
      const auto [first, end] = *each.layers;
      if (end > source.description().language.num_layers) {
        throw RecipeError(fmt::format("{} line {}: layer_range [{}, {}] reaches past the {} layers of {}", recipe_.file,
                                      each.line, first, end, source.description().language.num_layers, source.label()));
      }
      if (slice.sources.empty()) slice.layers = end - first;
      if (end - first != slice.layers) {
        throw RecipeError(
            fmt::format("{}: all sources of a slice must have the same number of layers, found {} of {} and "
                        "{} of {}",
                        slice.where, slice.layers, slice.sources.front().source->label(), end - first, source.label()));
      }
      slice.sources.push_back({&source, first, &each.parameters, false});
    }
    const std::optional<ModelReference>& base = written.base_model ? written.base_model : recipe_.base_model;
    check_sources(slice);
    mark_base(slice, base ? &pool_.open(*base, recipe_) : nullptr);
    return slice;
  }

  void mark_base(Slice& slice, const Source* base) {
    if (method_.base == BaseUse::kIgnored) base = nullptr;
    for (SliceSource& each : slice.sources) each.is_base = each.source == base;
    const bool present = std::ranges::any_of(slice.sources, &SliceSource::is_base);
    if (base != nullptr && !present) {
      throw RecipeError(
          fmt::format("{}: the base model {} is none of the slice's sources", slice.where, base->label()));
    }
    check_inputs(method_, slice.sources.size(), present, slice.where);
  }

  // Layers can be counted off anew only where the output's names are those of the sources.
  void require_plain_layers(const ModuleSpec& spec) {
    if (!layout_.description().cross_attention_layers.empty()) {
      throw RecipeError(
          fmt::format("{}: the layers of {} cannot be cut into slices: it has cross-attention layers between "
                      "them",
                      recipe_.file, layout_.label()));
    }
    for (const SliceSpec& slice : spec.slices) {
      const Source& first = pool_.open(slice.sources.front().model, recipe_);
      if (first.description().family != layout_.description().family ||
          first.description().layout != layout_.description().layout) {
        throw RecipeError(
            fmt::format("{} line {}: slices need models whose tensors are named alike; {} is {} ({}), {} is "
                        "{} ({})",
                        recipe_.file, slice.line, first.label(), first.description().family, first.description().layout,
                        layout_.label(), layout_.description().family, layout_.description().layout));
      }
    }
  }

  const Recipe& recipe_;
  SourcePool& pool_;
  const MethodInfo& method_;
  const Source& layout_;
};

}  // namespace

bool MergeModule::covers(Part part) const { return parts.empty() || std::ranges::find(parts, part) != parts.end(); }

std::vector<MergeModule> open_modules(const Recipe& recipe, SourcePool& pool, const MethodInfo& method,
                                      const Source& layout) {
  std::vector<MergeModule> modules;
  for (const ModuleSpec& spec : recipe.modules) modules.push_back(Opener(recipe, pool, method, layout).open(spec));
  return modules;
}

}  // namespace cambium::merge
