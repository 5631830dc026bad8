#include "merge/virtual_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "merge/merge_plan.h"
#include "merge/model_wide_numbers.h"
#include "merge/plan_identity.h"
#include "merge/source_pool.h"
#include "merge/tensor_execution.h"
#include "tensor/error.h"
#include "tensor/workers.h"

namespace cambium::merge {
namespace {

class MemorySink final : public TensorSink {
 public:
  explicit MemorySink(std::span<std::byte> bytes) : bytes_(bytes) {}
  void write(std::uint64_t offset, std::span<const std::byte> bytes) override {
    std::memcpy(bytes_.data() + offset, bytes.data(), bytes.size());
  }

 private:
  std::span<std::byte> bytes_;
};

class ForwardingSink final : public TensorSink {
 public:
  ForwardingSink(OutputTensor& out, DType dtype) : out_(out), size_(static_cast<std::size_t>(bits_of(dtype)) / 8) {}
  void write(std::uint64_t offset, std::span<const std::byte> bytes) override {
    out_.write(static_cast<std::size_t>(offset) / size_, bytes);
  }

 private:
  OutputTensor& out_;
  std::size_t size_;
};

}  // namespace

struct VirtualMerge::Impl {
  Impl(Recipe given, std::vector<std::string> above, const VirtualMergeOptions& chosen)
      : recipe(std::move(given)),
        options(chosen),
        pool(std::move(above)),
        workers(chosen.threads == 0 ? default_threads() : chosen.threads),
        label(recipe.name.empty() ? recipe.file : recipe.name),
        plan(planned(recipe)) {
    for (const PlannedTensor& tensor : plan.tensors) tensors.push_back(tensor.output);
    std::ranges::sort(tensors, {}, &checkpoint::TensorInfo::name);
    note_plan();
  }

  MergePlan planned(const Recipe& wanted) {
    std::vector<MergePlan> plans = plan_merge(wanted, pool, {options.truncate_embeddings, options.allow_nonfinite});
    if (plans.size() != 1) {
      throw RecipeError(fmt::format("{}: the recipe gives {} models; as a model it must give one (emit: MODEL)",
                                    wanted.file, plans.size()));
    }
    return std::move(plans.front());
  }

  // Before numbers of the whole model are added, which are no decision of the recipe.
  void note_plan() {
    numbers.clear();
    identities.clear();
    for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
      numbers.emplace(plan.tensors[i].output.name, i);
      identities.emplace(plan.tensors[i].output.name, identity_text(plan.tensors[i]));
    }
  }

  std::size_t number_of(std::string_view name) const {
    const auto found = numbers.find(name);
    if (found == numbers.end()) throw CheckpointError(fmt::format("{}: there is no tensor '{}'", label, name));
    return found->second;
  }

  void run(std::size_t tensor, TensorSink& sink) {
    const std::lock_guard lock(mutex);
    const ExecuteOptions execute_options{.workers = &workers,
                                         .memory_bytes = options.memory_bytes,
                                         .progress = nullptr,
                                         .masks = nullptr,
                                         .hash_inputs = false};
    if (!prepared) model_wide.set(plan, recipe, execute_options, SpillPlace{});
    prepared = true;
    TensorExecution(plan, execute_options, SpillPlace{}).run(tensor, sink);
  }

  Recipe recipe;
  VirtualMergeOptions options;
  SourcePool pool;
  Workers workers;
  std::string label;
  MergePlan plan;
  std::vector<checkpoint::TensorInfo> tensors;
  std::map<std::string, std::size_t, std::less<>> numbers;
  std::map<std::string, std::string, std::less<>> identities;  ///< what decides each tensor's values
  ModelWideNumbers model_wide;
  bool prepared = false;
  std::mutex mutex;
};

VirtualMerge::VirtualMerge(Recipe recipe, const VirtualMergeOptions& options)
    : VirtualMerge(std::move(recipe), {}, options) {}

VirtualMerge::VirtualMerge(Recipe recipe, std::vector<std::string> recipes_above, const VirtualMergeOptions& options)
    : impl_(std::make_unique<Impl>(std::move(recipe), std::move(recipes_above), options)) {}

std::unique_ptr<VirtualMerge> VirtualMerge::open(std::string_view file, const std::vector<Override>& overrides,
                                                 const VirtualMergeOptions& options) {
  return std::make_unique<VirtualMerge>(read_recipe(std::filesystem::path(file), overrides), options);
}

VirtualMerge::~VirtualMerge() = default;

const checkpoint::Json& VirtualMerge::config() const { return impl_->plan.config; }
const std::vector<CompanionFile>& VirtualMerge::companions() const { return impl_->plan.companions; }
const std::vector<std::string>& VirtualMerge::notes() const { return impl_->plan.notes; }
checkpoint::ContentHash VirtualMerge::identity() const { return identity_of(impl_->plan, impl_->recipe); }
const std::string& VirtualMerge::label() const { return impl_->label; }
const std::vector<checkpoint::TensorInfo>& VirtualMerge::tensors() const { return impl_->tensors; }

std::span<const std::byte> VirtualMerge::mapped(std::string_view name) const {
  const PlannedTensor& tensor = impl_->plan.tensors[impl_->number_of(name)];
  const PlannedInput& input = tensor.inputs.front();
  const bool as_stored = tensor.carried() && tensor.parts.size() == 1 && tensor.parts.front().inputs.front() == 0 &&
                         input.form.reading.same_form() && input.form.dtype == tensor.output.dtype &&
                         tensor.compute_dtype == tensor.output.dtype && !input.form.rows;
  if (!as_stored) return {};
  return input.source->weights().mapped(input.form.reading.pieces.front().source);
}

void VirtualMerge::read(std::string_view name, std::span<std::byte> out) const {
  MemorySink sink(out);
  impl_->run(impl_->number_of(name), sink);
}

void VirtualMerge::stream(std::string_view name, OutputTensor& out) const {
  const std::size_t number = impl_->number_of(name);
  ForwardingSink sink(out, impl_->plan.tensors[number].output.dtype);
  impl_->run(number, sink);
}

std::vector<std::string> VirtualMerge::set(std::string_view path, std::string_view value) {
  return set({{std::string(path), std::string(value)}});
}

std::vector<std::string> VirtualMerge::set(const std::vector<std::pair<std::string, std::string>>& settings) {
  std::vector<Override> overrides;
  std::string said;
  for (const auto& [path, value] : settings) {
    overrides.push_back({path, value});
    said += fmt::format("{}{}={}", said.empty() ? "" : ", ", path, value);
  }
  Recipe recipe = parse_recipe(impl_->recipe.text, impl_->recipe.file, overrides);
  recipe.documents = impl_->recipe.documents;
  const std::lock_guard lock(impl_->mutex);
  MergePlan plan = impl_->planned(recipe);
  std::vector<std::string> changed;
  bool same = plan.tensors.size() == impl_->tensors.size();
  for (const PlannedTensor& tensor : plan.tensors) {
    const checkpoint::TensorInfo* before = find(tensor.output.name);
    same = same && before != nullptr && before->dtype == tensor.output.dtype && before->shape == tensor.output.shape;
    if (!same) break;
    if (impl_->identities.at(tensor.output.name) != identity_text(tensor)) changed.push_back(tensor.output.name);
  }
  if (!same) {
    throw RecipeError(
        fmt::format("{}: setting {} changes which tensors the model has, or their shapes; open the "
                    "changed recipe as a model of its own",
                    recipe.file, said));
  }
  std::ranges::sort(changed);
  impl_->recipe = std::move(recipe);
  impl_->plan = std::move(plan);
  impl_->prepared = false;
  impl_->note_plan();
  return changed;
}

}  // namespace cambium::merge
