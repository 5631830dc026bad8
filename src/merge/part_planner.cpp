#include "merge/part_planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "merge/method_table.h"
#include "merge/parameter_lookup.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

using family::Role;

bool is_vocabulary(const family::TensorRole& tensor) {
  return (tensor.role == Role::kEmbedding || tensor.role == Role::kLmHead) && !tensor.shape.empty();
}

std::vector<const Settings*> levels_of(const PartPlanner::Context& context, const Recipe& recipe,
                                       const Settings* source) {
  return {source, context.slice->settings, &context.module->spec->parameters, &recipe.parameters};
}

// What the tensor's role says about a parameter that the recipe leaves open: neurons are the columns of the projections
// that lead out of them.
std::optional<double> value_by_role(const ParameterInfo& parameter, const family::TensorRole& role,
                                    std::span<const Settings* const> levels) {
  if (parameter.name != "columns") return std::nullopt;
  for (const Settings* level : levels) {
    if (level != nullptr && level->contains(parameter.name)) return std::nullopt;
  }
  const bool outwards = role.role == Role::kAttentionOutput || role.role == Role::kDown;
  return outwards != role.transposed ? 1.0 : 0.0;
}

[[noreturn]] void refuse_shapes(const PlannedTensor& tensor, bool vocabulary) {
  std::string shapes;
  for (const PlannedInput& input : tensor.inputs) {
    shapes += fmt::format("{}{} in {}", shapes.empty() ? "" : ", ", to_string(input.form.shape), input.source->label());
  }
  throw ShapeError(fmt::format(
      "tensor '{}' has other shapes in other models: {}{}", tensor.output.name, shapes,
      vocabulary ? "; their vocabularies differ: give tokenizer_source (base, union or a model) to line the tokens up, "
                   "embeddings: shared to merge just the rows that all models have, or --truncate-embeddings to cut "
                   "them to the smallest"
                 : ""));
}

}  // namespace

PartPlanner::PartPlanner(const Recipe& recipe, const MethodInfo& method, VocabularyRule vocabulary, bool keep_types)
    : recipe_(recipe), method_(method), vocabulary_(std::move(vocabulary)), keep_types_(keep_types) {}

bool PartPlanner::looks_rows_up(const family::TensorRole& tensor) const {
  return vocabulary_.kind == VocabularyRule::Kind::kToken && is_vocabulary(tensor);
}

void PartPlanner::carry(PlannedTensor& tensor) const {
  const PlannedInput& input = tensor.inputs.front();
  tensor.compute_dtype = recipe_.dtype && is_mergeable(input.form.dtype) ? *recipe_.dtype : input.form.dtype;
  tensor.output.dtype = recipe_.out_dtype && is_mergeable(input.form.dtype) ? *recipe_.out_dtype : tensor.compute_dtype;
  PlannedPart part{.region = Region::whole(tensor.output.shape),
                   .method = {},
                   .inputs = {0},
                   .per_input = {{}},
                   .shared = {},
                   .heads = {},
                   .suffix = {}};
  tensor.parts.push_back(std::move(part));
}

void PartPlanner::plan_types(PlannedTensor& tensor, const Context& context) const {
  for (const PlannedInput& input : tensor.inputs) {
    if (is_mergeable(input.form.dtype)) continue;
    const std::string_view type = cambium::name_of(input.form.dtype);
    const bool alike = std::ranges::all_of(
        tensor.inputs, [&](const PlannedInput& other) { return other.form.dtype == input.form.dtype; });
    if (!alike || type.starts_with("F8") || type.starts_with("F4") || type.starts_with("F6")) {
      throw CheckpointError(
          fmt::format("{}: tensor '{}' is {}, on which merging does not compute; convert the model to "
                      "bfloat16 first (cambium convert)",
                      input.source->label(), input.name, type));
    }
    tensor.must_agree = true;
    tensor.compute_dtype = tensor.output.dtype = input.form.dtype;
    return;
  }
  DType dtype = tensor.inputs.front().form.dtype;
  for (const PlannedInput& input : tensor.inputs) dtype = promote(dtype, input.form.dtype);
  tensor.compute_dtype = recipe_.dtype.value_or(dtype);
  const DType own = context.otherwise.form.dtype;
  const bool keep = keep_types_ && !recipe_.dtype && is_mergeable(own);
  tensor.output.dtype = recipe_.out_dtype.value_or(keep ? own : tensor.compute_dtype);
}

void PartPlanner::plan(PlannedTensor& tensor, const Context& context) const {
  const TensorAspect aspect{tensor.output.name, tensor.role, std::nullopt};
  const bool kept = (!recipe_.only.empty() && !any_matches(recipe_.only, aspect)) ||
                    any_matches(recipe_.except, aspect) ||
                    (is_vocabulary(*tensor.role) && vocabulary_.kind == VocabularyRule::Kind::kToken &&
                     vocabulary_.embeddings == EmbeddingRule::kModel);
  if (kept && !(is_vocabulary(*tensor.role) && vocabulary_.kind == VocabularyRule::Kind::kMerged)) {
    tensor.inputs = {context.otherwise};
    tensor.output.shape = context.otherwise.form.shape;
    return carry(tensor);
  }
  plan_types(tensor, context);
  if (is_vocabulary(*tensor.role)) return plan_vocabulary(tensor, context);
  for (const PlannedInput& input : tensor.inputs) {
    if (input.form.shape != tensor.output.shape) refuse_shapes(tensor, false);
  }
  if (tensor.must_agree) {
    tensor.parts.push_back({Region::whole(tensor.output.shape), {}, {0}, {{}}, {}, {}, {}});
  } else if (tensor.role->heads && !tensor.role->transposed && asks_for_heads(context)) {
    add_heads(tensor, context);
  } else {
    add_merged(tensor, context, Region::whole(tensor.output.shape), {});
  }
}

void PartPlanner::plan_vocabulary(PlannedTensor& tensor, const Context& context) const {
  switch (vocabulary_.kind) {
    case VocabularyRule::Kind::kToken:
      return plan_rows(tensor, context);
    case VocabularyRule::Kind::kMerged:
      tensor.vocabulary = row_table(tensor);
      tensor.output.shape.front() = tensor.vocabulary->rows;
      break;
    case VocabularyRule::Kind::kTruncate:
      for (const PlannedInput& input : tensor.inputs) {
        tensor.output.shape.front() = std::min(tensor.output.shape.front(), input.form.shape.front());
      }
      break;
    case VocabularyRule::Kind::kPlain:
      for (const PlannedInput& input : tensor.inputs) {
        if (input.form.shape != tensor.inputs.front().form.shape) refuse_shapes(tensor, true);
      }
      tensor.output.shape = tensor.inputs.front().form.shape;
      break;
  }
  add_merged(tensor, context, Region::whole(tensor.output.shape), {});
}

// Rows that every input has are merged (or taken from the base), the others carried.
void PartPlanner::plan_rows(PlannedTensor& tensor, const Context& context) const {
  const auto base = std::ranges::find_if(tensor.inputs, [&](const PlannedInput& input) {
    return recipe_.base_model && input.source->reference() == *recipe_.base_model;
  });
  const bool from_base = vocabulary_.embeddings == EmbeddingRule::kBase;
  if (from_base && base == tensor.inputs.end()) {
    throw RecipeError(fmt::format("{}: embeddings: base needs a base_model", recipe_.file));
  }
  std::vector<std::int64_t> merged, carried;
  for (std::int64_t row = 0; row < tensor.output.shape.front(); ++row) {
    const auto has = [&](const PlannedInput& input) { return (*input.form.rows)[static_cast<std::size_t>(row)] >= 0; };
    const bool all = from_base ? has(*base) : std::ranges::all_of(tensor.inputs, has);
    (all ? merged : carried).push_back(row);
  }
  if (!merged.empty()) {
    const std::string suffix = carried.empty() ? "" : " (shared rows)";
    Region region = Region::rows(tensor.output.shape, runs_of(merged));
    if (from_base) {
      const auto number = static_cast<std::size_t>(base - tensor.inputs.begin());
      tensor.parts.push_back({std::move(region), {}, {number}, {{}}, {}, {}, suffix});
    } else {
      add_merged(tensor, context, std::move(region), suffix);
    }
  }
  if (!carried.empty()) {
    const auto same = std::ranges::find(tensor.inputs, context.otherwise.source, &PlannedInput::source);
    const auto number = static_cast<std::size_t>(same - tensor.inputs.begin());
    if (same == tensor.inputs.end()) tensor.inputs.push_back(context.otherwise);
    tensor.parts.push_back(
        {Region::rows(tensor.output.shape, runs_of(carried)), {}, {number}, {{}}, {}, {}, " (own rows)"});
  }
}

bool PartPlanner::asks_for_heads(const Context& context) const {
  return std::ranges::any_of(method_.parameters, [&](const ParameterInfo& parameter) {
    if (parameter.scope == ParameterScope::kShared) {
      return merge::asks_for_heads(parameter, levels_of(context, recipe_, nullptr));
    }
    return std::ranges::any_of(context.slice->sources, [&](const SliceSource& source) {
      return merge::asks_for_heads(parameter, levels_of(context, recipe_, source.settings));
    });
  });
}

// Numbers differ by head: the tensor is taken apart into runs of heads of equal numbers, each merged as a tensor of its
// own.
void PartPlanner::add_heads(PlannedTensor& tensor, const Context& context) const {
  const family::HeadGeometry heads = *tensor.role->heads;
  const bool columns = tensor.role->role == Role::kAttentionOutput;
  const auto count = static_cast<int>(heads.count);
  PlannedPart run;
  fill_parameters(run, tensor, context, 0);
  for (int head = 0, first = 0; head < count; ++head) {
    PlannedPart next;
    if (head + 1 < count) fill_parameters(next, tensor, context, head + 1);
    if (head + 1 < count && next.shared == run.shared && next.per_input == run.per_input) continue;
    const std::int64_t begin = first * heads.head_dim, size = (head + 1 - first) * heads.head_dim;
    run.region = columns ? Region::columns(tensor.output.shape, begin, size)
                         : Region::rows(tensor.output.shape, {{begin, size}});
    run.suffix = fmt::format(" (heads {}-{})", first, head);
    tensor.parts.push_back(std::move(run));
    run = std::move(next);
    first = head + 1;
  }
}

void PartPlanner::add_merged(PlannedTensor& tensor, const Context& context, Region region, std::string suffix) const {
  PlannedPart part;
  part.region = std::move(region);
  part.suffix = std::move(suffix);
  fill_parameters(part, tensor, context, std::nullopt);
  if (recipe_.granularity == Granularity::kHead && tensor.role->heads && !tensor.role->transposed &&
      part.region.is_whole()) {
    part.heads = HeadBlocks{tensor.role->heads->count, tensor.role->heads->head_dim,
                            tensor.role->role == Role::kAttentionOutput};
    part.shared["by_head"] = 1;
  }
  tensor.parts.push_back(std::move(part));
}

void PartPlanner::fill_parameters(PlannedPart& part, const PlannedTensor& tensor, const Context& context,
                                  std::optional<int> head) const {
  part.method = recipe_.method;
  const std::size_t count = context.slice->sources.size();
  part.per_input.resize(count);
  for (std::size_t i = 0; i < count; ++i) part.inputs.push_back(i);
  for (const ParameterInfo& parameter : method_.parameters) {
    const std::string name(parameter.name);
    if (parameter.scope == ParameterScope::kShared) {
      const TensorAspect aspect{tensor.output.name, tensor.role, head};
      const std::string where = fmt::format("{}: {}", recipe_.file, tensor.output.name);
      const std::vector<const Settings*> levels = levels_of(context, recipe_, nullptr);
      auto value = value_by_role(parameter, *tensor.role, levels);
      if (!value) value = look_up(parameter, levels, aspect, context.place, where);
      if (value) part.shared[name] = *value;
      continue;
    }
    for (std::size_t i = 0; i < count; ++i) {
      const PlannedInput& input = tensor.inputs[i];
      if (parameter.scope == ParameterScope::kPerTuned && input.is_base) continue;
      const TensorAspect aspect{input.name, tensor.role, head};
      const std::string where = fmt::format("{}: {} of {}", recipe_.file, input.name, input.source->label());
      const std::vector<const Settings*> levels = levels_of(context, recipe_, context.slice->sources[i].settings);
      if (const auto value = look_up(parameter, levels, aspect, context.place, where)) part.per_input[i][name] = *value;
    }
  }
  // The method's own limits on numbers: found now, before any work.
  const Method& method = find_method(recipe_.method);
  if (method.check == nullptr) return;
  TensorTask task;
  task.name = tensor.output.name;
  task.shape = tensor.output.shape;
  task.method = recipe_.method;
  task.parameters = part.shared;
  task.compute_dtype = tensor.compute_dtype;
  task.out_dtype = tensor.output.dtype;
  for (std::size_t i = 0; i < count; ++i) {
    task.inputs.push_back({nullptr, part.per_input[i], tensor.inputs[i].is_base, tensor.inputs[i].source->label()});
  }
  try {
    method.check(task);
  } catch (const ValueError& error) {
    throw RecipeError(fmt::format("{}: {}", recipe_.file, error.what()));
  }
}

std::shared_ptr<const VocabularyRowTable> PartPlanner::row_table(const PlannedTensor& tensor) const {
  std::vector<const Source*> models;
  std::optional<std::size_t> base;
  for (const PlannedInput& input : tensor.inputs) {
    if (recipe_.base_model && input.source->reference() == *recipe_.base_model) base = models.size();
    models.push_back(input.source);
  }
  std::shared_ptr<const VocabularyRowTable>& known = tables_[models];
  if (known) return known;

  const MergedVocabulary& merged = *vocabulary_.merged;
  auto table = std::make_shared<VocabularyRowTable>();
  table->tokens = merged.tokens;
  table->rows = merged.rows;
  std::vector<std::int64_t> number_here(vocabulary_.merged_models.size(), -1);
  for (std::size_t i = 0; i < models.size(); ++i) {
    const auto found = std::ranges::find(vocabulary_.merged_models, models[i]) - vocabulary_.merged_models.begin();
    number_here[static_cast<std::size_t>(found)] = static_cast<std::int64_t>(i);
    table->known.push_back(merged.model_rows[static_cast<std::size_t>(found)]);
  }
  table->own = table->known;
  const auto tokens = static_cast<std::size_t>(merged.tokens);
  table->default_model.assign(tokens, VocabularyRowTable::kZero);
  table->default_row.assign(tokens, -1);
  for (std::size_t token = 0; token < tokens; ++token) {
    const auto given = merged.overrides.find(static_cast<std::int64_t>(token));
    if (given != merged.overrides.end() && given->second.force) {
      for (auto& rows : table->own) rows[token] = -1;
    }
    if (given != merged.overrides.end() && given->second.kind != TokenOverride::Kind::kDefault) {
      if (given->second.kind == TokenOverride::Kind::kZero) continue;
      const std::int64_t model = number_here[given->second.model];
      if (model < 0) {
        throw RecipeError(fmt::format("{}: the row of token {} is asked from {}, which is no input of tensor '{}'",
                                      recipe_.file, token, vocabulary_.merged_models[given->second.model]->label(),
                                      tensor.output.name));
      }
      table->default_model[token] = model;
      table->default_row[token] = given->second.row;
      continue;
    }
    std::size_t present = 0, only = 0;
    for (std::size_t i = 0; i < models.size(); ++i) {
      if (table->known[i][token] < 0) continue;
      ++present;
      only = i;
    }
    if (present == 0) continue;
    const bool base_has = base && table->known[*base][token] >= 0;
    if (present == 1 || base_has) {
      const std::size_t model = present == 1 ? only : *base;
      table->default_model[token] = static_cast<std::int64_t>(model);
      table->default_row[token] = table->known[model][token];
    } else {
      table->default_model[token] = VocabularyRowTable::kMean;
    }
  }
  known = std::move(table);
  return known;
}

}  // namespace cambium::merge
