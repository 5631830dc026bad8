#include "model/generate_run.h"

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include "model/engine/engine_setup.h"
#include "model/forward_inputs.h"
#include "model/tensor_file.h"
#include "model/vision/picture_inputs.h"
#include "tensor/error.h"

namespace cambium::model {

namespace {

std::string_view name_of(StopReason reason) {
  switch (reason) {
    case StopReason::kStopToken:
      return "stop_token";
    case StopReason::kLength:
      return "length";
    case StopReason::kContext:
      return "context";
    case StopReason::kCaller:
      return "stop_text";
  }
  return "";
}

EngineSetup setup_of(const GenerateOptions& options) {
  EngineSetup setup;
  setup.model = options.model;
  setup.dtype = options.dtype;
  setup.device = options.device;
  setup.threads = options.threads;
  setup.cache_gib = options.cache_gib;
  return setup;
}

GenerateRequest request_of(const GenerateOptions& options, const RunningModel& model) {
  GenerateRequest request;
  request.max_new_tokens = options.max_new_tokens;
  request.sampling = {.repetition_penalty = options.repetition_penalty,
                      .temperature = options.temperature,
                      .top_k = options.top_k,
                      .top_p = options.top_p,
                      .min_p = options.min_p,
                      .seed = options.seed};
  if (!options.ignore_stop_tokens) request.stop_ids = model.stop_ids();
  return request;
}

// Each row's tokens without its padding.
std::vector<std::vector<std::int32_t>> rows_of(const ForwardInputs& inputs) {
  std::vector<std::vector<std::int32_t>> rows(static_cast<std::size_t>(inputs.ids.size(0)));
  const at::Tensor ids = inputs.ids.contiguous(), mask = inputs.mask.contiguous();
  const std::int64_t columns = ids.size(1);
  for (std::int64_t i = 0; i < ids.numel(); ++i) {
    if (mask.const_data_ptr<std::int64_t>()[i] == 0) continue;
    rows[static_cast<std::size_t>(i / columns)].push_back(
        static_cast<std::int32_t>(ids.const_data_ptr<std::int64_t>()[i]));
  }
  return rows;
}

void generate_rows(const GenerateOptions& options, RunningModel& model, GenerateReport& report) {
  TensorMap tensors = read_tensor_file(options.inputs);
  const VisionTower* vision = tensors.contains("pixel_values") ? model.vision() : nullptr;
  const PictureInputs pictures = take_pictures(tensors, vision);
  const ForwardInputs inputs = forward_inputs(tensors, model.engine().config(), options.inputs);
  std::vector<std::vector<EmbeddingRows>> embeddings =
      picture_rows(pictures, inputs.mask, vision == nullptr ? -1 : vision->config().image_token);
  std::vector<GenerateRequest> requests;
  for (std::vector<std::int32_t>& ids : rows_of(inputs)) {
    requests.push_back(request_of(options, model));
    requests.back().prompt.ids = std::move(ids);
    requests.back().prompt.embeddings = std::move(embeddings[requests.size() - 1]);
    requests.back().sampling.seed += requests.size() - 1;
  }
  for (Generation& generation : model.engine().generate(requests)) {
    report.rows.push_back({{},
                           std::move(generation.ids),
                           std::move(generation.log_probabilities),
                           std::string(name_of(generation.reason))});
  }
}

}  // namespace

}  // namespace cambium::model

void cambium_generate(const cambium::model::GenerateOptions& options, cambium::model::GenerateReport& report) {
  using namespace cambium::model;
  RunningModel model(setup_of(options));
  report.load_seconds = model.load_seconds();
  if (options.inputs.empty()) throw cambium::UsageError("--inputs is needed");
  generate_rows(options, model, report);
  const EngineStatistics& statistics = model.engine().statistics();
  report.prompt_tokens = statistics.prompt_tokens;
  report.computed_tokens = statistics.computed_tokens;
  report.generated_tokens = statistics.generated_tokens;
  report.prompt_seconds = statistics.prompt_seconds;
  report.seconds = statistics.seconds;
}
