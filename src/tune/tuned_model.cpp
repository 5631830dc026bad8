#include "tune/tuned_model.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/index_select.h>
#include <fmt/format.h>

#include <cmath>
#include <map>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/model_folder.h"
#include "tensor/error.h"
#include "tune/gradient_node.h"
#include "tune/numeric_rows.h"

namespace cambium::tune {

namespace {

using family::Part;

at::ScalarType training_type(const model::ModelSource& source, const family::ModelDescription& description,
                             std::optional<at::ScalarType> wanted) {
  if (wanted.has_value()) {
    if (*wanted == at::kFloat || *wanted == at::kBFloat16) return *wanted;
    throw UsageError("dtype: tuning computes in float32 or bfloat16");
  }
  for (const family::TensorRole& role : description.tensors) {
    const checkpoint::TensorInfo* info = source.weights->find(role.name);
    if (role.part == Part::kLanguage && info != nullptr && info->dtype == DType::kBF16) return at::kBFloat16;
  }
  return at::kFloat;
}

}  // namespace

struct TunedModel::Impl {
  model::ModelSource source;
  family::ModelDescription description;
  model::DecoderConfig config;
  TunedModelOptions options;
  at::ScalarType activations = at::kFloat;
  std::unique_ptr<ParameterSet> parameters;
  std::unique_ptr<LoraAdapters> lora;
  std::unique_ptr<TrainingDecoder> decoder;
  std::unique_ptr<Optimizer> optimizer, lora_optimizer;
  std::vector<model::MediaTowerConfig> media;
  mutable std::map<std::string, at::Tensor> widened;  // frozen tensors of towers in the activations' type
  std::int64_t labels = 0;
  int micro_batches = 0;
  std::map<ParameterSet*, at::Tensor> sums;  // float32 gradients of several micro-batches with bfloat16 weights

  [[nodiscard]] std::vector<ParameterSet*> sets() const {
    std::vector<ParameterSet*> all{parameters.get()};
    if (lora != nullptr) all.push_back(&lora->parameters());
    return all;
  }

  // A tensor of a tower or projector in the activations' type, with its adapter; recorded where it is trained.
  [[nodiscard]] at::Tensor tower_tensor(const family::TensorRole& role) const {
    const LoraPair* pair = lora == nullptr ? nullptr : lora->find(role.name);
    return pair == nullptr ? own_tensor(role) : LoraAdapters::adapted(own_tensor(role), *pair);
  }

  [[nodiscard]] at::Tensor own_tensor(const family::TensorRole& role) const {
    const Parameter* parameter = parameters->find(role.name);
    if (parameter->rule.trained || parameter->value.scalar_type() == activations) {
      return parameter->value.to(activations);
    }
    at::Tensor& kept = widened[role.name];
    if (!kept.defined()) kept = parameter->value.to(activations);
    return kept;
  }

  [[nodiscard]] model::MediaTowers towers() const {
    return model::assemble_media(media, description, source.weights->label(),
                                 [&](const family::TensorRole& role) { return tower_tensor(role); });
  }

  [[nodiscard]] at::Tensor hidden_rows(const MicroBatch& batch) const {
    at::Tensor embeddings = decoder->embed(batch.rows.ids);
    if (!batch.media.empty()) {
      const model::MediaTowers all = towers();
      for (const MicroBatchMedia& group : batch.media) {
        const model::MediaTower* tower = all.find(group.modality);
        if (tower == nullptr) {
          throw UsageError(
              fmt::format("{}: the model takes no {}s", source.weights->label(), model::names_of(group.modality).item));
        }
        const at::Tensor features = tower->features(group.input.to(activations));
        // The place holder's own embedding is no part of the model's function: placing cuts its gradient off.
        embeddings = at::index_copy(embeddings, 0, group.places,
                                    features.reshape({-1, features.size(-1)}).to(embeddings.scalar_type()));
      }
    }
    return decoder->forward(embeddings, batch.rows.lengths);
  }
};

TunedModel::TunedModel(model::ModelSource source, const TunedModelOptions& options) : impl_(std::make_unique<Impl>()) {
  Impl& impl = *impl_;
  impl.source = std::move(source);
  impl.options = options;
  const checkpoint::WeightSource& weights = *impl.source.weights;
  impl.description = family::describe(impl.source.config, weights.tensors(), weights.label());
  impl.config = model::decoder_config(impl.description.language, weights.label());
  const at::ScalarType dtype = training_type(impl.source, impl.description, options.dtype);
  impl.activations =
      options.activations.value_or(dtype == at::kBFloat16 && has_fast_bfloat16() ? at::kBFloat16 : at::kFloat);
  if (dtype == at::kFloat) impl.activations = at::kFloat;
  ParameterSet::RuleFor rule = options.rule ? options.rule : [](const family::TensorRole&) { return ParameterRule{}; };
  if (options.lora.has_value()) {
    impl.lora = std::make_unique<LoraAdapters>(impl.description, *options.lora, dtype, rule);
    rule = [rule, lora = impl.lora.get()](const family::TensorRole& role) {
      ParameterRule own = rule(role);
      if (role.part == Part::kLanguage || lora->adapts(role.part)) own.trained = false;
      return own;
    };
  }
  impl.parameters = std::make_unique<ParameterSet>(weights, impl.description, dtype, rule);
  impl.decoder = std::make_unique<TrainingDecoder>(
      impl.config, impl.description, *impl.parameters, impl.lora.get(), weights.label(),
      TrainingDecoder::Options{.activations = impl.activations,
                               .recompute = options.recompute,
                               .lora_dropout = options.lora.has_value() ? options.lora->dropout : 0.0});
  impl.media = model::media_config(impl.source.config, impl.description, weights, impl.source.folder);
  impl.optimizer = std::make_unique<Optimizer>(*impl.parameters, options.optimizer);
  std::int64_t trained = impl.parameters->trained_count();
  if (impl.lora != nullptr) {
    OptimizerOptions own = options.optimizer;
    own.pull = 0;
    impl.lora_optimizer = std::make_unique<Optimizer>(impl.lora->parameters(), own);
    trained += impl.lora->parameters().trained_count();
  }
  if (trained == 0)
    throw UsageError(fmt::format("{}: every part is frozen, nothing is left to train", weights.label()));
}

TunedModel::~TunedModel() = default;

const model::ModelSource& TunedModel::source() const { return impl_->source; }
const family::ModelDescription& TunedModel::description() const { return impl_->description; }
const model::DecoderConfig& TunedModel::config() const { return impl_->config; }
ParameterSet& TunedModel::parameters() { return *impl_->parameters; }
const ParameterSet& TunedModel::parameters() const { return *impl_->parameters; }
const LoraAdapters* TunedModel::lora() const { return impl_->lora.get(); }

std::vector<Optimizer*> TunedModel::optimizers() {
  std::vector<Optimizer*> all{impl_->optimizer.get()};
  if (impl_->lora_optimizer != nullptr) all.push_back(impl_->lora_optimizer.get());
  return all;
}

std::vector<const Optimizer*> TunedModel::optimizers() const {
  std::vector<const Optimizer*> all{impl_->optimizer.get()};
  if (impl_->lora_optimizer != nullptr) all.push_back(impl_->lora_optimizer.get());
  return all;
}

at::ScalarType TunedModel::activations() const { return impl_->activations; }
std::vector<ParameterSet*> TunedModel::sets() { return impl_->sets(); }
at::ScalarType TunedModel::dtype() const { return impl_->parameters->dtype(); }

const std::vector<model::MediaTowerConfig>& TunedModel::media() const { return impl_->media; }

model::MediaTowers TunedModel::towers() const {
  const at::NoGradGuard off;
  return impl_->towers();
}

void TunedModel::begin_step(std::int64_t labels) {
  impl_->labels = labels;
  impl_->micro_batches = 0;
}

double TunedModel::accumulate(const MicroBatch& batch) {
  Impl& impl = *impl_;
  const bool several = impl.micro_batches > 0;
  for (ParameterSet* set : impl.sets()) {
    // float32 gradients add up where they are; those of bfloat16 weights are added in float32.
    if (several && set->dtype() == at::kFloat) continue;
    if (several) {
      at::Tensor& sum = impl.sums[set];
      if (impl.micro_batches == 1) {
        sum = set->gradients().to(at::kFloat);
      } else {
        add_into(sum.mutable_data_ptr<float>(), {set->gradients().data_ptr(), RowType::kBFloat16}, sum.numel());
      }
    }
    set->begin_gradients();
  }
  ++impl.micro_batches;
  double loss = 0;
  if (batch.labelled.numel() > 0) {
    const at::Tensor hidden = at::index_select(impl.hidden_rows(batch), 0, batch.labelled);
    const at::Tensor result = impl.decoder->loss(hidden, batch.targets, 1.0 / static_cast<double>(impl.labels));
    loss = result.item<double>();
    if (std::isfinite(loss) && result.requires_grad()) run_backward(result);
  }
  for (ParameterSet* set : impl.sets()) set->finish_gradients();
  return loss;
}

TunedModel::StepResult TunedModel::finish_step(double rate) {
  Impl& impl = *impl_;
  if (impl.micro_batches > 1) {
    for (ParameterSet* set : impl.sets()) {
      if (set->dtype() == at::kFloat) continue;
      at::Tensor& sum = impl.sums[set];
      add_into(sum.mutable_data_ptr<float>(), {set->gradients().data_ptr(), RowType::kBFloat16}, sum.numel());
      set->gradients().detach().copy_(sum);
    }
  }
  double squares = 0;
  for (const Optimizer* optimizer : optimizers()) squares += optimizer->gradient_squares();
  StepResult result{.gradient_norm = std::sqrt(squares)};
  if (!std::isfinite(result.gradient_norm)) return result;
  const double scale = clip_scale(result.gradient_norm, impl.options.optimizer.clip_norm);
  for (Optimizer* optimizer : optimizers()) optimizer->step(rate, scale);
  return result;
}

double TunedModel::evaluate(const MicroBatch& batch, std::vector<double>* losses) const {
  const at::NoGradGuard off;
  if (batch.labelled.numel() == 0) return 0;
  const at::Tensor hidden = at::index_select(impl_->hidden_rows(batch), 0, batch.labelled);
  return impl_->decoder->loss(hidden, batch.targets, 1.0 / static_cast<double>(batch.labelled.numel()), losses)
      .item<double>();
}

std::vector<bool> TunedModel::predicted(const MicroBatch& batch) const {
  const at::NoGradGuard off;
  std::vector<bool> right;
  if (batch.labelled.numel() == 0) return right;
  const at::Tensor hidden = at::index_select(impl_->hidden_rows(batch), 0, batch.labelled);
  const at::Tensor same = impl_->decoder->most_probable(hidden).eq(batch.targets).to(at::kLong).contiguous();
  for (std::int64_t i = 0; i < same.numel(); ++i) right.push_back(same.const_data_ptr<std::int64_t>()[i] != 0);
  return right;
}

at::Tensor TunedModel::value(const family::TensorRole& role) const {
  const Parameter* parameter = impl_->parameters->find(role.name);
  const LoraPair* pair = impl_->lora == nullptr ? nullptr : impl_->lora->find(role.name);
  if (pair == nullptr) return parameter->value.detach();
  return LoraAdapters::merged(parameter->value, *pair);
}

void TunedModel::save(const std::filesystem::path& folder,
                      const std::function<void(const std::filesystem::path&)>& more) const {
  const Impl& impl = *impl_;
  const checkpoint::WeightSource& source = *impl.source.weights;
  const DType dtype = impl.parameters->dtype() == at::kBFloat16 ? DType::kBF16 : DType::kF32;
  std::vector<checkpoint::TensorInfo> infos = source.tensors();
  for (checkpoint::TensorInfo& info : infos) {
    if (impl.parameters->find(info.name) != nullptr) info.dtype = dtype;
  }
  // What a killed process left of it.
  std::filesystem::remove_all(checkpoint::CheckpointWriter::partial_folder(folder));
  checkpoint::CheckpointWriter writer(folder, checkpoint::plan_output(std::move(infos)),
                                      checkpoint::CheckpointWriter::Start::kFresh);
  const checkpoint::OutputLayout& layout = writer.layout();
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    const checkpoint::TensorInfo& info = layout.tensors[i];
    const family::TensorRole* role = impl.description.find(info.name);
    if (impl.parameters->find(info.name) == nullptr || role == nullptr) {
      std::vector<std::byte> bytes(info.bytes());
      source.read(info.name, bytes);
      writer.write(i, 0, bytes);
    } else {
      const at::Tensor contents = value(*role).contiguous();
      writer.write(i, 0, {static_cast<const std::byte*>(contents.const_data_ptr()), contents.nbytes()});
    }
  }
  checkpoint::Json config = impl.source.config;
  const char* const word = dtype == DType::kBF16 ? "bfloat16" : "float32";
  for (const char* key : {"dtype", "torch_dtype"}) {
    if (config.contains(key)) config[key] = word;
    if (config.contains("text_config") && config["text_config"].contains(key)) config["text_config"][key] = word;
  }
  writer.write_file("config.json", config.dump(2) + "\n");
  const checkpoint::ModelFolder companions(impl.source.folder, {.require_config = false, .require_weights = false});
  for (const std::string& name : companions.companion_files()) writer.copy_file(impl.source.folder / name, name);
  if (more) more(writer.working_folder());
  writer.finish();
}

}  // namespace cambium::tune
