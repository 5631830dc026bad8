#include "model/graft/graft_writer.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "checkpoint/checkpoint_writer.h"
#include "family/decoder_family.h"
#include "family/family_table.h"
#include "model/graft/fresh_values.h"
#include "model/graft/graft_tokenizer.h"
#include "model/graft/graft_tower.h"
#include "model/loaded_model.h"
#include "tensor/convert.h"
#include "tensor/error.h"

namespace cambium::model {
namespace {

using checkpoint::Json;

DType stored_type(at::ScalarType dtype) {
  return dtype == at::kBFloat16 ? DType::kBF16 : dtype == at::kHalf ? DType::kF16 : DType::kF32;
}

std::string_view torch_name(DType dtype) {
  return dtype == DType::kBF16 ? "bfloat16" : dtype == DType::kF16 ? "float16" : "float32";
}

std::vector<std::byte> stored_bytes(const checkpoint::WeightSource& source, const std::string& name) {
  std::vector<std::byte> bytes(source.find(name)->bytes());
  source.read(name, bytes);
  return bytes;
}

std::vector<float> values_of(const checkpoint::WeightSource& source, const std::string& name) {
  const checkpoint::TensorInfo& info = *source.find(name);
  std::vector<float> values(static_cast<std::size_t>(numel(info.shape)));
  to_float32(info.dtype, stored_bytes(source, name), values);
  return values;
}

// The mean of a matrix's rows, appended until it has `rows` of them.
void append_mean_rows(std::vector<float>& values, std::int64_t rows_before, std::int64_t rows) {
  const std::size_t width = values.size() / static_cast<std::size_t>(rows_before);
  std::vector<double> sums(width, 0);
  for (std::size_t i = 0; i < values.size(); ++i) sums[i % width] += values[i];
  for (std::int64_t row = rows_before; row < rows; ++row) {
    for (const double sum : sums) values.push_back(static_cast<float>(sum / static_cast<double>(rows_before)));
  }
}

// A language tensor's name in the form that transformers saves multimodal models in.
std::string grafted_name(const family::ModelDescription& description, const std::string& name) {
  std::string_view plain = name;
  const auto strip = [&](std::string_view prefix) {
    const bool there = plain.starts_with(prefix);
    if (there) plain.remove_prefix(prefix.size());
    return there;
  };
  if (description.multimodal) {
    if (description.layout == "saved") return name;
    if (description.layout == "module") {
      if (strip("model.language_model.")) return fmt::format("language_model.model.{}", plain);
      return fmt::format("language_model.{}", plain);
    }
    strip("language_model.");
  }
  const family::DecoderFamily* decoder = family::find_decoder(description.language.family);
  if (decoder != nullptr) {
    const std::string head = std::string(decoder->head) + ".";
    if (strip(head)) return fmt::format("language_model.lm_head.{}", plain);
    strip(decoder->body);
  }
  return fmt::format("language_model.model.{}", plain);
}

class GraftMaker {
 public:
  GraftMaker(const GraftFile& file) : file_(file) {
    const auto dtype = file.dtype.empty() ? std::nullopt : dtype_option(file.dtype);
    language_ = prepare_model(open_model(file.language), dtype);
    dtype_ = stored_type(language_.dtype);
    std::vector<PlaceholderToken> tokens;
    for (const GraftPart& part : file.parts) tokens.push_back({part.modality, part.token, -1});
    text_ = grafted_text(language_.source.folder, std::move(tokens));
    rows_ = std::max(language_.config.vocab_size, text_.vocabulary_size);
    take_language();
    const double size = embedding_size();
    for (const GraftPart& part : file.parts) parts_.push_back(prepare_part(part, language_.config.hidden_size, size));
    make_config();
    check();
  }

  GraftReport write(const std::filesystem::path& out) const {
    std::vector<checkpoint::TensorInfo> infos;
    const std::vector<const GraftTensor*> tensors = all_tensors();
    for (const GraftTensor* tensor : tensors) infos.push_back({tensor->name, dtype_, tensor->shape});
    checkpoint::CheckpointWriter writer(out, checkpoint::plan_output(std::move(infos)),
                                        checkpoint::CheckpointWriter::Start::kFresh);
    try {
      for (std::size_t i = 0; i < tensors.size(); ++i) writer.write(i, 0, bytes_of(*tensors[i]));
      writer.write_file("config.json", config_.dump(2) + "\n");
      for (const auto& [name, contents] : text_.files) writer.write_file(name, contents);
      write_processors(writer);
      writer.finish();
    } catch (...) {
      writer.discard();
      throw;
    }
    return summary();
  }

 private:
  bool as_llava() const { return parts_.size() == 1 && parts_[0].part.modality == Modality::kImage; }
  std::int64_t token_id(Modality modality) const {
    return std::ranges::find(text_.tokens, modality, &PlaceholderToken::modality)->id;
  }

  void take_language() {
    for (const family::TensorRole& role : language_.description.tensors) {
      if (role.part != family::Part::kLanguage || role.role == family::Role::kBuffer) continue;
      GraftTensor tensor{.name = grafted_name(language_.description, role.name),
                         .shape = role.shape,
                         .source = language_.source.weights.get(),
                         .source_name = role.name};
      const bool of_tokens = role.role == family::Role::kEmbedding || role.role == family::Role::kLmHead;
      if (of_tokens && tensor.shape[0] < rows_) {
        tensor.shape[0] = rows_;
        tensor.more_rows = true;
      }
      language_tensors_.push_back(std::move(tensor));
    }
  }

  double embedding_size() const {
    for (const family::TensorRole& role : language_.description.tensors) {
      if (role.part != family::Part::kLanguage || role.role != family::Role::kEmbedding) continue;
      double squares = 0;
      const std::vector<float> values = values_of(*language_.source.weights, role.name);
      for (const float value : values) squares += static_cast<double>(value) * value;
      const double size = std::sqrt(squares / static_cast<double>(values.size())) * language_.config.embedding_scale;
      return size > 0 ? size : 0.02;
    }
    return 0.02;
  }

  void make_config() {
    Json text = language_.description.language.raw;
    for (const char* key : {"architectures", "transformers_version", "_name_or_path", "auto_map"}) text.erase(key);
    text["vocab_size"] = rows_;
    const bool tied = language_.config.tied_head;
    text["tie_word_embeddings"] = tied;
    config_ = Json{{"architectures", {as_llava() ? "LlavaForConditionalGeneration" : "CambiumGraft"}},
                   {"model_type", as_llava() ? "llava" : "cambium_graft"},
                   {"dtype", torch_name(dtype_)},
                   {"tie_word_embeddings", tied},
                   {"text_config", std::move(text)}};
    for (const PreparedPart& part : parts_) {
      Json fields = part.config;
      fields["image_token_index"] = token_id(part.part.modality);
      if (part.part.modality == Modality::kVideo) {
        fields["num_frames"] = *part.part.num_frames;
        fields["pooling"] = *part.part.pooling == Pooling::kNone     ? "none"
                            : *part.part.pooling == Pooling::kFrames ? "frames"
                                                                     : "patches";
      }
      if (as_llava()) {
        config_.update(fields);
      } else {
        config_["modalities"][std::string(names_of(part.part.modality).name)] = std::move(fields);
      }
    }
  }

  std::vector<const GraftTensor*> all_tensors() const {
    std::vector<const GraftTensor*> out;
    const auto add = [&](const std::vector<GraftTensor>& tensors) {
      for (const GraftTensor& tensor : tensors) out.push_back(&tensor);
    };
    add(language_tensors_);
    for (const PreparedPart& part : parts_) {
      add(part.tower);
      add(part.projector);
    }
    return out;
  }

  // Reads the model that would be written as any model is read: what does not fit is named before anything is written.
  void check() {
    class Planned final : public checkpoint::WeightSource {
     public:
      Planned(std::string label, std::vector<checkpoint::TensorInfo> tensors)
          : label_(std::move(label)), tensors_(std::move(tensors)) {}
      const std::string& label() const override { return label_; }
      const std::vector<checkpoint::TensorInfo>& tensors() const override { return tensors_; }
      std::span<const std::byte> mapped(std::string_view) const override { return {}; }
      void read(std::string_view, std::span<std::byte>) const override {}

     private:
      std::string label_;
      std::vector<checkpoint::TensorInfo> tensors_;
    };
    std::vector<checkpoint::TensorInfo> infos;
    for (const GraftTensor* tensor : all_tensors()) infos.push_back({tensor->name, dtype_, tensor->shape});
    std::ranges::sort(infos, {}, &checkpoint::TensorInfo::name);
    const Planned planned(file_.where, std::move(infos));
    const family::ModelDescription description = family::describe(config_, planned.tensors(), planned.label());
    check_decoder(description, decoder_config(description.language, planned.label()), planned.label());
    const at::Tensor value = at::empty({1}, at::TensorOptions().dtype(at::kByte));
    const MediaTowers towers =
        assemble_media(media_config(config_, description, planned, language_.source.folder), description,
                       planned.label(), [&](const family::TensorRole& role) { return value.expand(role.shape); });
    for (const MediaTower& tower : towers.all()) tokens_.push_back(tower.tokens());
    if (as_llava()) config_["image_seq_length"] = tokens_.front();
  }

  std::vector<std::byte> bytes_of(const GraftTensor& tensor) const {
    if (tensor.source != nullptr && !tensor.more_rows && tensor.source->find(tensor.source_name)->dtype == dtype_)
      return stored_bytes(*tensor.source, tensor.source_name);
    std::vector<float> values;
    if (tensor.source == nullptr) {
      values.assign(static_cast<std::size_t>(numel(tensor.shape)), tensor.constant);
      if (tensor.deviation > 0) fill_normal(file_.seed, tensor.name, tensor.deviation, values);
    } else {
      values = values_of(*tensor.source, tensor.source_name);
      if (tensor.more_rows)
        append_mean_rows(values, tensor.source->find(tensor.source_name)->shape[0], tensor.shape[0]);
    }
    std::vector<std::byte> bytes(values.size() * static_cast<std::size_t>(bits_of(dtype_)) / 8);
    from_float32(dtype_, values, bytes);
    return bytes;
  }

  void write_processors(checkpoint::CheckpointWriter& writer) const {
    Json processor;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const PreparedPart& part = parts_[i];
      const std::string name(names_of(part.part.modality).name);
      processor[part.part.modality == Modality::kAudio ? std::string("feature_extractor") : name + "_processor"] =
          part.processor;
      processor[name + "_token"] = part.part.token;
    }
    if (as_llava()) {
      const Json& vision = config_["vision_config"];
      // What transformers computes a picture's tokens from.
      processor["patch_size"] = vision.value("patch_size", 32);
      processor["num_additional_image_tokens"] = vision.value("model_type", "") == "clip_vision_model" ? 1 : 0;
      processor["vision_feature_select_strategy"] = config_["vision_feature_select_strategy"];
      Json before = parts_[0].processor;  // where transformers before 4.57 looks
      before["processor_class"] = "LlavaProcessor";
      writer.write_file("preprocessor_config.json", before.dump(2) + "\n");
    }
    processor["processor_class"] = as_llava() ? "LlavaProcessor" : "CambiumGraftProcessor";
    writer.write_file("processor_config.json", processor.dump(2) + "\n");
  }

  GraftReport summary() const {
    const auto parameters = [](const std::vector<GraftTensor>& tensors) {
      std::uint64_t count = 0;
      for (const GraftTensor& tensor : tensors) count += static_cast<std::uint64_t>(numel(tensor.shape));
      return count;
    };
    GraftReport out;
    out.model_type = config_["model_type"];
    out.dtype = torch_name(dtype_);
    out.language_parameters = parameters(language_tensors_);
    out.added_rows = rows_ - language_.config.vocab_size;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const GraftPart& part = parts_[i].part;
      out.parts.push_back({std::string(names_of(part.modality).name), part.token, token_id(part.modality), tokens_[i],
                           parameters(parts_[i].tower), parameters(parts_[i].projector), part.tower_checkpoint.empty(),
                           part.projector_checkpoint.empty()});
    }
    return out;
  }

  const GraftFile& file_;
  LoadedModel language_;
  DType dtype_ = DType::kF32;
  GraftedText text_;
  std::int64_t rows_ = 0;
  std::vector<GraftTensor> language_tensors_;
  std::vector<PreparedPart> parts_;
  std::vector<std::int64_t> tokens_;
  Json config_;
};

}  // namespace

GraftReport write_graft(const GraftFile& file, const std::filesystem::path& out) { return GraftMaker(file).write(out); }

}  // namespace cambium::model
