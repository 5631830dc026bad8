#include "model/generate_run.h"

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "model/chat_prompt.h"
#include "model/engine/engine_setup.h"
#include "model/forward_inputs.h"
#include "model/media/media_inputs.h"
#include "model/media/media_prompt.h"
#include "model/tensor_file.h"
#include "model/text_generation.h"
#include "tensor/error.h"
#include "text/chat_template.h"

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

// The model's tokenizer. @throws CheckpointError  none there, or more tokens than the embedding has rows
text::Tokenizer tokenizer_of(RunningModel& model) {
  text::Tokenizer tokenizer = text::Tokenizer::from_folder(model.folder());
  const auto rows = static_cast<std::size_t>(model.engine().config().vocab_size);
  if (tokenizer.vocabulary_size() > rows) {
    throw CheckpointError(fmt::format(
        "{}: the tokenizer has {} tokens, but the model's embedding only {} rows; they are not of one model",
        model.folder().string(), tokenizer.vocabulary_size(), rows));
  }
  return tokenizer;
}

std::optional<text::Tokenizer> tokenizer_if_any(RunningModel& model) {
  for (const char* name : {"tokenizer.json", "tokenizer.model", "tekken.json"}) {
    if (std::filesystem::exists(model.folder() / name)) return tokenizer_of(model);
  }
  return std::nullopt;
}

GeneratedText result_of(Generation generation, TextGeneration* text) {
  GeneratedText row;
  if (text != nullptr) {
    text->finish();
    row.text = text->text();
  }
  row.ids = std::move(generation.ids);
  row.log_probabilities = std::move(generation.log_probabilities);
  row.stop = text != nullptr && text->stopped() ? "stop_text" : name_of(generation.reason);
  return row;
}

// Each turn of a conversation is a call of the engine.
void add_cost(const EngineStatistics& call, GenerateReport& report) {
  report.prompt_tokens += call.prompt_tokens;
  report.computed_tokens += call.computed_tokens;
  report.generated_tokens += call.generated_tokens;
  report.prompt_seconds += call.prompt_seconds;
  report.seconds += call.seconds;
}

void generate_rows(const GenerateOptions& options, RunningModel& model, GenerateReport& report) {
  TensorMap tensors = read_tensor_file(options.inputs);
  const MediaInputs media = take_media(tensors, [&]() -> const MediaTowers& { return model.media(); });
  const ForwardInputs inputs = forward_inputs(tensors, model.engine().config(), options.inputs);
  std::vector<std::vector<EmbeddingRows>> embeddings = media_rows(media, inputs.mask);
  const std::optional<text::Tokenizer> tokenizer = tokenizer_if_any(model);
  if (!tokenizer && !options.stop.empty()) {
    throw UsageError(
        fmt::format("{}: a stop text needs a tokenizer, and the folder has none", model.folder().string()));
  }
  std::vector<std::vector<std::int32_t>> rows = rows_of(inputs);
  std::vector<GenerateRequest> requests(rows.size());
  std::vector<std::unique_ptr<TextGeneration>> texts(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    requests[i] = request_of(options, model);
    requests[i].prompt.ids = std::move(rows[i]);
    requests[i].prompt.embeddings = std::move(embeddings[i]);
    requests[i].sampling.seed += i;
    if (!tokenizer) continue;
    texts[i] = std::make_unique<TextGeneration>(*tokenizer, options.stop);
    requests[i].on_token = [&text = *texts[i]](const SampledToken& token) { return text.push(token.id); };
  }
  std::vector<Generation> generations = model.engine().generate(requests);
  add_cost(model.engine().statistics(), report);
  for (std::size_t i = 0; i < rows.size(); ++i)
    report.rows.push_back(result_of(std::move(generations[i]), texts[i].get()));
}

std::vector<MediaItem> items_of(const GenerateOptions& options) {
  std::vector<MediaItem> items;
  const auto add = [&](Modality modality, const std::vector<std::string>& files) {
    for (const std::string& file : files) items.push_back({modality, file, {}, {}});
  };
  add(Modality::kImage, options.images);
  add(Modality::kVideo, options.videos);
  add(Modality::kAudio, options.sounds);
  return items;
}

media::Resizer resizer_of(const GenerateOptions& options) {
  if (options.resizer == "torchvision") return media::Resizer::kTorchvision;
  if (options.resizer == "pillow") return media::Resizer::kPillow;
  throw UsageError(fmt::format("unknown resizer '{}'; known are torchvision, pillow", options.resizer));
}

// Prompts of a text, with whatever items they have.
class PromptMaker {
 public:
  PromptMaker(const GenerateOptions& options, RunningModel& model)
      : tokenizer_(tokenizer_of(model)), items_(items_of(options)) {
    if (items_.empty()) return;
    placeholders_ = Placeholders(model.media(), tokenizer_);
    encoder_.emplace(model.media(), tokenizer_, model.folder(), resizer_of(options));
  }
  [[nodiscard]] const text::Tokenizer& tokenizer() const { return tokenizer_; }
  [[nodiscard]] const Placeholders& placeholders() const { return placeholders_; }
  [[nodiscard]] const std::vector<MediaItem>& items() const { return items_; }
  Prompt operator()(std::string_view text, bool add_special) {
    if (encoder_) return encoder_->prompt(text, items_, add_special);
    Prompt prompt;
    prompt.ids = tokenizer_.ids(text, add_special);
    return prompt;
  }

 private:
  text::Tokenizer tokenizer_;
  std::vector<MediaItem> items_;
  Placeholders placeholders_;
  std::optional<MediaEncoder> encoder_;
};

GeneratedText generate_one(const GenerateOptions& options, RunningModel& model, const text::Tokenizer& tokenizer,
                           Prompt prompt) {
  GenerateRequest request = request_of(options, model);
  request.prompt = std::move(prompt);
  TextGeneration text(tokenizer, options.stop);
  const auto show = [&] {
    if (const std::string piece = text.fresh(); options.show && !piece.empty()) options.show(piece);
  };
  request.on_token = [&](const SampledToken& token) {
    const bool more = text.push(token.id);
    show();
    return more;
  };
  GeneratedText row = result_of(std::move(model.engine().generate({&request, 1})[0]), &text);
  show();
  return row;
}

// One turn, or a whole conversation if there is no prompt. Each turn's prompt begins with the last one's tokens, which
// are still cached.
void chat(const GenerateOptions& options, RunningModel& model, GenerateReport& report) {
  PromptMaker make_prompt(options, model);
  const text::ChatTemplate chat_template = text::ChatTemplate::from_folder(model.folder());
  std::vector<ChatMessage> messages;
  if (!options.system.empty()) messages.push_back({"system", options.system, {}});
  std::optional<std::string> next = options.prompt;
  if (!next && options.next_message) next = options.next_message();
  bool first = true;
  while (next) {
    messages.push_back({"user", *next, {}});
    if (first) {  // the items are the first message's, unless its text places them
      for (const MediaItem& item : make_prompt.items()) {
        if (make_prompt.placeholders().count(*next, item.modality) == 0) messages.back().media.push_back(item.modality);
      }
    }
    first = false;
    // The template writes the special tokens itself.
    const std::string rendering = render_chat(chat_template, messages, make_prompt.placeholders());
    report.rows.push_back(generate_one(options, model, make_prompt.tokenizer(), make_prompt(rendering, false)));
    add_cost(model.engine().statistics(), report);
    messages.push_back({"assistant", report.rows.back().text, {}});
    next.reset();
    if (options.prompt || !options.next_message) break;
    if (options.show) options.show("\n");
    next = options.next_message();
  }
}

void generate_text(const GenerateOptions& options, RunningModel& model, GenerateReport& report) {
  PromptMaker make_prompt(options, model);
  const std::string text =
      with_placeholders(options.prompt.value_or(""), make_prompt.items(), make_prompt.placeholders());
  report.rows.push_back(generate_one(options, model, make_prompt.tokenizer(), make_prompt(text, true)));
  add_cost(model.engine().statistics(), report);
}

}  // namespace

}  // namespace cambium::model

void cambium_generate(const cambium::model::GenerateOptions& options, cambium::model::GenerateReport& report) {
  using namespace cambium::model;
  RunningModel model(setup_of(options));
  report.load_seconds = model.load_seconds();
  if (!options.inputs.empty()) {
    generate_rows(options, model, report);
  } else if (options.chat) {
    chat(options, model, report);
  } else {
    generate_text(options, model, report);
  }
}
