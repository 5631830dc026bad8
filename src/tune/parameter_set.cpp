#include "tune/parameter_set.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>

#include "model/decoder_weights.h"
#include "tensor/error.h"

namespace cambium::tune {

namespace {

constexpr std::int64_t kAlignment = 32;  // elements: a cache line or two

auto order_key(const Parameter& parameter) {
  const family::TensorRole& role = parameter.role;
  return std::make_tuple(role.part, role.layer, role.bias, role.role);
}

// Tensors whose rows are multiplied with the same input: no gap between them.
bool follows_closely(const Parameter& first, const Parameter& second) {
  using family::Role;
  const auto pair = [&](Role a, Role b) { return first.role.role == a && second.role.role == b; };
  return first.role.part == second.role.part && first.role.layer == second.role.layer &&
         first.role.bias == second.role.bias && first.rule.trained == second.rule.trained &&
         (pair(Role::kQuery, Role::kKey) || pair(Role::kKey, Role::kValue) || pair(Role::kGate, Role::kUp));
}

std::int64_t elements(const Parameter& parameter) {
  return std::accumulate(parameter.role.shape.begin(), parameter.role.shape.end(), std::int64_t{1},
                         std::multiplies<>());
}

}  // namespace

ParameterSet::ParameterSet(const checkpoint::WeightSource& source, const family::ModelDescription& description,
                           at::ScalarType dtype, const RuleFor& rule)
    : dtype_(dtype) {
  for (const family::TensorRole& role : description.tensors) {
    if (role.role == family::Role::kBuffer) continue;
    const checkpoint::TensorInfo* info = source.find(role.name);
    if (info == nullptr || !is_mergeable(info->dtype)) {
      throw CheckpointError(fmt::format("{}: tensor '{}' is stored as {}; tuning needs F16, BF16, F32 or F64 weights",
                                        source.label(), role.name, info == nullptr ? "nothing" : name_of(info->dtype)));
    }
    parameters_.emplace_back().role = role;
  }
  place(dtype, rule);
  for (Parameter& parameter : parameters_) {
    // The leaf shares its memory with this alias, which autograd does not watch.
    parameter.value.detach().copy_(model::load_tensor(source, parameter.role.name, dtype));
  }
}

ParameterSet::ParameterSet(std::vector<family::TensorRole> roles, at::ScalarType dtype, const RuleFor& rule)
    : dtype_(dtype) {
  for (family::TensorRole& role : roles) parameters_.emplace_back().role = std::move(role);
  place(dtype, rule);
}

void ParameterSet::place(at::ScalarType dtype, const RuleFor& rule) {
  for (Parameter& parameter : parameters_) parameter.rule = rule(parameter.role);
  std::stable_sort(parameters_.begin(), parameters_.end(),
                   [](const Parameter& a, const Parameter& b) { return order_key(a) < order_key(b); });
  // Frozen tensors have flat memory of their own, in the same order.
  std::vector<std::int64_t> offsets(parameters_.size());
  std::int64_t size[2] = {0, 0};
  const Parameter* last[2] = {nullptr, nullptr};
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = parameters_[i];
    const std::size_t kind = parameter.rule.trained ? 1 : 0;
    if (last[kind] == nullptr || !follows_closely(*last[kind], parameter)) {
      size[kind] = (size[kind] + kAlignment - 1) / kAlignment * kAlignment;
    }
    offsets[i] = size[kind];
    size[kind] += elements(parameter);
    last[kind] = &parameter;
  }
  const at::TensorOptions options = at::TensorOptions().dtype(dtype);
  const at::Tensor frozen = at::zeros({size[0]}, options);
  values_ = at::zeros({size[1]}, options);
  gradients_ = at::zeros({size[1]}, options);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = parameters_[i];
    const std::int64_t count = elements(parameter);
    const at::IntArrayRef shape(parameter.role.shape);
    if (!parameter.rule.trained) {
      parameter.value = frozen.narrow(0, offsets[i], count).view(shape);
      continue;
    }
    parameter.offset = offsets[i];
    parameter.value = values_.narrow(0, offsets[i], count).view(shape).detach();
    parameter.gradient = gradients_.narrow(0, offsets[i], count).view(shape).detach();
    parameter.value.set_requires_grad(true);
    parameter.value.mutable_grad() = parameter.gradient;
  }
}

Parameter* ParameterSet::find(std::string_view name) {
  const auto found =
      std::ranges::find_if(parameters_, [&](const Parameter& parameter) { return parameter.role.name == name; });
  return found == parameters_.end() ? nullptr : &*found;
}

const Parameter* ParameterSet::find(std::string_view name) const {
  return const_cast<ParameterSet*>(this)->find(name);  // NOLINT: finds only
}

std::int64_t ParameterSet::trained_count() const {
  std::int64_t sum = 0;
  for (const Parameter& parameter : parameters_) sum += parameter.rule.trained ? elements(parameter) : 0;
  return sum;
}

std::int64_t ParameterSet::count() const {
  std::int64_t sum = 0;
  for (const Parameter& parameter : parameters_) sum += elements(parameter);
  return sum;
}

void ParameterSet::begin_gradients() {
  for (Parameter& parameter : parameters_) {
    if (!parameter.rule.trained) continue;
    parameter.written = !parameter.stored_directly;
    if (!parameter.stored_directly) parameter.gradient.zero_();
  }
}

void ParameterSet::finish_gradients() {
  for (Parameter& parameter : parameters_) {
    if (parameter.rule.trained && !parameter.written) parameter.gradient.zero_();
  }
}

TrainedWeight TrainedWeight::joined(const std::vector<Parameter*>& parts) {
  TrainedWeight weight;
  std::int64_t rows = 0;
  const char* next = nullptr;
  const Parameter& first = *parts.front();
  for (const Parameter* part : parts) {
    const at::Tensor& value = part->value;
    if (value.dim() != first.value.dim() || (value.dim() == 2 && value.size(1) != first.value.size(1)) ||
        (next != nullptr && static_cast<const char*>(value.const_data_ptr()) != next) ||
        part->rule.trained != first.rule.trained) {
      return {};
    }
    next = static_cast<const char*>(value.const_data_ptr()) + value.nbytes();
    rows += value.size(0);
  }
  std::vector<std::int64_t> shape = first.value.sizes().vec(), strides = first.value.strides().vec();
  shape[0] = rows;
  weight.owners = parts;
  weight.value = first.value.detach().as_strided(shape, strides);
  if (first.rule.trained) weight.gradient = first.gradient.as_strided(shape, strides);
  for (Parameter* part : parts) part->stored_directly = true;
  return weight;
}

bool TrainedWeight::written() const {
  return std::ranges::any_of(owners, [](const Parameter* owner) { return owner->written; });
}

void TrainedWeight::mark_written() const {
  for (Parameter* owner : owners) owner->written = true;
}

}  // namespace cambium::tune
