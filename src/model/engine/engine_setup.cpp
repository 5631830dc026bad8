#include "model/engine/engine_setup.h"

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>

#include "checkpoint/json.h"
#include "model/config_reader.h"
#include "model/device.h"
#include "model/device_decoder.h"
#include "model/loaded_model.h"
#include "model/media/media_towers.h"
#include "model/native/key_value_blocks.h"
#include "model/native/native_decoder.h"
#include "tensor/error.h"
#include "tensor/workers.h"

namespace cambium::model {

namespace {

std::vector<std::int32_t> ids_in(const checkpoint::Json& object, const std::string& where) {
  std::vector<std::int32_t> ids;
  const auto found = object.find("eos_token_id");
  if (found == object.end() || found->is_null()) return ids;
  const checkpoint::Json list = found->is_array() ? *found : checkpoint::Json::array({*found});
  for (const checkpoint::Json& id : list) {
    if (!id.is_number_integer()) ConfigReader(object, where).fail("eos_token_id", "a token id or a list of them");
    ids.push_back(id.get<std::int32_t>());
  }
  return ids;
}

std::vector<std::int32_t> read_stop_ids(const ModelSource& source, const family::ModelDescription& description) {
  const std::filesystem::path file = source.folder / "generation_config.json";
  if (std::filesystem::exists(file)) {
    std::vector<std::int32_t> ids = ids_in(checkpoint::read_json(file), file.string());
    if (!ids.empty()) return ids;
  }
  std::vector<std::int32_t> ids = ids_in(source.config, source.weights->label());
  return ids.empty() ? ids_in(description.language.raw, source.weights->label()) : ids;
}

std::size_t cache_blocks(const DecoderConfig& config, at::ScalarType dtype, double gib) {
  const double machine = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  const double bytes = gib > 0 ? gib * 1024 * 1024 * 1024 : machine / 4;
  const auto size = [](std::int64_t value) { return static_cast<std::size_t>(value); };
  const KeyValueShape shape{dtype == at::kFloat ? PanelType::kFloat32 : PanelType::kFloat16, size(config.num_layers),
                            size(config.num_kv_heads), size(config.head_dim)};
  return std::max<std::size_t>(4, static_cast<std::size_t>(bytes / static_cast<double>(shape.block_bytes())));
}

}  // namespace

struct RunningModel::Impl {
  LoadedModel model;                        // of its weights only embedding and positions: the packed copy is what runs
  NativeDecoder* decoder = nullptr;         // one of the two, the engine's
  DeviceDecoder* device_decoder = nullptr;  // (on a GPU)
  c10::Device device = c10::Device(c10::kCPU);
  std::unique_ptr<Engine> engine;
  std::vector<std::int32_t> stop_ids;
  double load_seconds = 0;
  std::optional<MediaTowers> media;
};

namespace {

// One tensor at a time comes from the source, and goes when its layer is packed.
TensorLookup lookup_in(const LoadedModel& model) {
  return
      [&model](const family::TensorRole& role) { return load_tensor(*model.source.weights, role.name, model.dtype); };
}

DecoderWeights weights_on_device(const LoadedModel& model, c10::Device device) {
  return on_device(assemble_decoder(model.description, model.config, model.source.weights->label(), lookup_in(model)),
                   device);
}

NativeDecoder::LayerSource layers_of(const LoadedModel& model) {
  return [&model](std::size_t layer) {
    return assemble_layer(model.description, model.config, model.source.weights->label(), layer, lookup_in(model));
  };
}

}  // namespace

RunningModel::RunningModel(const EngineSetup& setup) : impl_(std::make_unique<Impl>()) {
  const auto begin = std::chrono::steady_clock::now();
  const c10::Device device = open_device(setup.device);
  if (!(setup.cache_gib >= 0)) throw UsageError("the cache's memory must be a number of GiB, 0 or more");
  LoadedModel& model = impl_->model;
  model = prepare_model(open_model(setup.model), dtype_option(setup.dtype));
  impl_->stop_ids = read_stop_ids(model.source, model.description);
  const std::size_t max_blocks = cache_blocks(model.config, model.dtype, setup.cache_gib);
  impl_->device = device;
  if (!device.is_cpu()) {
    auto on_gpu = std::make_unique<DeviceDecoder>(model.config, weights_on_device(model, device), max_blocks);
    impl_->device_decoder = on_gpu.get();
    impl_->engine = std::make_unique<Engine>(std::move(on_gpu), setup.options);
    impl_->load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return;
  }
  const NativeDecoder::Options options{.threads = setup.threads == 0 ? default_threads() : setup.threads,
                                       .max_blocks = max_blocks};
  model.weights =
      assemble_outside_layers(model.description, model.config, model.source.weights->label(), lookup_in(model));
  auto decoder = std::make_unique<NativeDecoder>(model.config, model.weights, layers_of(model), model.dtype, options);
  impl_->decoder = decoder.get();
  impl_->engine = std::make_unique<Engine>(std::move(decoder), setup.options);
  model.weights.head = {};
  impl_->load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::size_t RunningModel::remerge(const RecipeSettings& settings) {
  LoadedModel& model = impl_->model;
  const checkpoint::WeightSource& source = *model.source.weights;
  std::map<std::string, at::Tensor, std::less<>> own;  // kept tensors that are no input's own bytes
  const auto kept = [&](const at::Tensor& tensor, family::Role role) {
    for (const family::TensorRole& each : model.description.tensors) {
      if (each.part == family::Part::kLanguage && each.role == role && tensor.defined() &&
          !is_mapped(source, each.name, tensor))
        own.emplace(each.name, tensor);
    }
  };
  kept(model.weights.embedding, family::Role::kEmbedding);
  kept(model.weights.positions, family::Role::kPositionEmbedding);

  const std::vector<std::string> changed = set_recipe(model.source, settings);
  std::set<int> layers;
  bool outside = false, media = false;
  for (const std::string& name : changed) {
    const family::TensorRole* role = model.description.find(name);
    if (role == nullptr) continue;
    const bool of_decoder = role->part == family::Part::kLanguage;
    media = media || !of_decoder;
    if (of_decoder && role->layer >= 0) layers.insert(role->layer);
    outside = outside || (of_decoder && role->layer < 0);
  }
  if (impl_->device_decoder != nullptr) {
    if (outside || !layers.empty()) impl_->device_decoder->replace(weights_on_device(model, impl_->device));
    layers.clear();
    outside = false;
  }
  for (const int layer : layers)
    impl_->decoder->repack(static_cast<std::size_t>(layer), layers_of(model)(static_cast<std::size_t>(layer)));
  if (outside) {
    model.weights =
        assemble_outside_layers(model.description, model.config, source.label(), [&](const family::TensorRole& role) {
          const auto found = own.find(role.name);
          if (found == own.end()) return lookup_in(model)(role);
          reload_tensor(source, role.name, found->second);
          return found->second;
        });
    impl_->decoder->repack_outside_layers(model.weights);
    model.weights.head = {};
  }
  if (media && impl_->media) *impl_->media = load_media(model);
  if (!changed.empty()) impl_->engine->forget();
  malloc_trim(0);  // the layers' passing copies differ in size: without it the heap grows by a fifth over 27 merges
  return changed.size();
}

const MediaTowers& RunningModel::media() {
  if (!impl_->media) impl_->media = load_media(impl_->model);
  return *impl_->media;
}

RunningModel::~RunningModel() = default;

Engine& RunningModel::engine() { return *impl_->engine; }

const std::filesystem::path& RunningModel::folder() const { return impl_->model.source.folder; }

const checkpoint::WeightSource& RunningModel::weights() const { return *impl_->model.source.weights; }

std::string RunningModel::dtype() const {
  switch (impl_->model.dtype) {
    case at::kBFloat16:
      return "bfloat16";
    case at::kHalf:
      return "float16";
    default:
      return "float32";
  }
}

const std::vector<std::int32_t>& RunningModel::stop_ids() const { return impl_->stop_ids; }

double RunningModel::load_seconds() const { return impl_->load_seconds; }

}  // namespace cambium::model
