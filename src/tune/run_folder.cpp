#include "tune/run_folder.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/json.h"
#include "checkpoint/model_folder.h"
#include "model/decoder_weights.h"
#include "tensor/error.h"

namespace cambium::tune {

namespace {

namespace fs = std::filesystem;
using checkpoint::Json;

DType dtype_of(at::ScalarType type) {
  switch (type) {
    case at::kBFloat16:
      return DType::kBF16;
    case at::kLong:
      return DType::kI64;
    default:
      return DType::kF32;
  }
}

void write_tensors(const fs::path& folder, const std::map<std::string, at::Tensor>& tensors, const Json& state) {
  const fs::path partial = checkpoint::CheckpointWriter::partial_folder(folder);
  fs::remove_all(partial);
  std::vector<checkpoint::TensorInfo> infos;
  for (const auto& [name, tensor] : tensors) {
    infos.push_back({name, dtype_of(tensor.scalar_type()), Shape(tensor.sizes().begin(), tensor.sizes().end())});
  }
  checkpoint::CheckpointWriter writer(folder, checkpoint::plan_output(std::move(infos)),
                                      checkpoint::CheckpointWriter::Start::kFresh);
  for (std::size_t i = 0; i < writer.layout().tensors.size(); ++i) {
    const at::Tensor contents = tensors.at(writer.layout().tensors[i].name).contiguous();
    writer.write(i, 0, {static_cast<const std::byte*>(contents.const_data_ptr()), contents.nbytes()});
  }
  writer.write_file("state.json", state.dump() + "\n");
  writer.finish();
}

std::map<std::string, at::Tensor> read_tensors(const fs::path& folder) {
  const checkpoint::ModelFolder source(folder, {.require_config = false, .require_weights = true});
  std::map<std::string, at::Tensor> tensors;
  for (const checkpoint::TensorInfo& info : source.tensors()) {
    const at::ScalarType type = info.dtype == DType::kBF16  ? at::kBFloat16
                                : info.dtype == DType::kI64 ? at::kLong
                                                            : at::kFloat;
    at::Tensor tensor = at::empty(info.shape, at::TensorOptions().dtype(type));
    source.read(info.name, {static_cast<std::byte*>(tensor.data_ptr()), info.bytes()});
    tensors[info.name] = tensor;
  }
  return tensors;
}

std::map<std::string, at::Tensor> all_state(const TunedModel& model, bool values_only) {
  std::map<std::string, at::Tensor> tensors;
  std::size_t index = 0;
  for (const Optimizer* optimizer : model.optimizers()) {
    for (const auto& [name, tensor] : optimizer->state()) {
      if (!values_only || name == "values") tensors[fmt::format("{}.{}", index, name)] = tensor;
    }
    ++index;
  }
  return tensors;
}

}  // namespace

RunFolder::RunFolder(const fs::path& output, const std::string& identity, bool resume)
    : path_(output.string() + ".tuning"), identity_(identity) {
  complete_ = fs::exists(output) && !(fs::is_directory(output) && fs::is_empty(output));
  // Nothing is left to do but to remove checkpoints, if a kill behind the last rename left any.
  if (complete_ && resume && (!checkpoints().empty() || finished_as_asked())) return;
  if (complete_) {
    throw UsageError(fmt::format("the output {} exists already; remove it or name another", output.string()));
  }
  if (!checkpoints().empty() && !resume) {
    throw UsageError(
        fmt::format("{} holds a run that was not finished; go on with --resume, or remove the folder", path_.string()));
  }
  if (!resume && fs::exists(path_)) fs::remove_all(path_);
  fs::create_directories(path_);
}

std::vector<std::int64_t> RunFolder::checkpoints() const {
  std::vector<std::int64_t> steps;
  if (!fs::is_directory(path_)) return steps;
  for (const auto& entry : fs::directory_iterator(path_)) {
    const std::string name = entry.path().filename().string();
    std::int64_t step = 0;
    const auto [end, error] =
        std::from_chars(name.data() + std::min<std::size_t>(11, name.size()), name.data() + name.size(), step);
    if (name.starts_with("checkpoint-") && error == std::errc() && end == name.data() + name.size())
      steps.push_back(step);
  }
  std::ranges::sort(steps);
  return steps;
}

void RunFolder::save(std::int64_t step, const TunedModel& model, const std::vector<at::Tensor>& averages,
                     const Json& state, std::int64_t keep) {
  const fs::path folder = path_ / fmt::format("checkpoint-{}", step);
  if (fs::exists(folder)) return;
  Json full = state;
  full["identity"] = identity_;
  std::map<std::string, at::Tensor> tensors = all_state(model, false);
  for (std::size_t i = 0; i < averages.size(); ++i) tensors[fmt::format("{}.average", i)] = averages[i];
  write_tensors(folder, tensors, full);
  std::vector<std::int64_t> steps = checkpoints();
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep) < steps.size(); ++i) {
    fs::remove_all(path_ / fmt::format("checkpoint-{}", steps[i]));
  }
}

Json RunFolder::restore(std::int64_t step, TunedModel& model, std::vector<at::Tensor>* averages) const {
  const fs::path folder = path_ / fmt::format("checkpoint-{}", step);
  Json state = checkpoint::read_json(folder / "state.json");
  if (state.value("identity", "") != identity_) {
    throw UsageError(
        fmt::format("{} was made with another configuration; to go on from it, bring the configuration back "
                    "as it was, or remove {} to begin anew",
                    folder.string(), path_.string()));
  }
  const std::map<std::string, at::Tensor> tensors = read_tensors(folder);
  std::size_t index = 0;
  for (Optimizer* optimizer : model.optimizers()) {
    std::map<std::string, at::Tensor> own;
    const std::string prefix = fmt::format("{}.", index++);
    for (const auto& [name, tensor] : tensors) {
      if (!name.starts_with(prefix)) continue;
      if (name.ends_with(".average")) {
        if (averages != nullptr) averages->push_back(tensor);
      } else {
        own[name.substr(prefix.size())] = tensor;
      }
    }
    optimizer->restore(own, folder.string());
  }
  return state;
}

void RunFolder::save_weights(const std::string& name, const TunedModel& model) {
  fs::remove_all(path_ / name);
  write_tensors(path_ / name, all_state(model, true), Json::object());
}

void RunFolder::restore_weights(const std::string& name, TunedModel& model) const {
  const std::map<std::string, at::Tensor> tensors = read_tensors(path_ / name);
  std::size_t index = 0;
  for (Optimizer* optimizer : model.optimizers()) optimizer->set_values(tensors.at(fmt::format("{}.values", index++)));
}

void RunFolder::list_bad_rows(const std::vector<BadRow>& rows) {
  std::ostringstream list;
  for (const BadRow& row : rows) {
    list << Json{{"source", row.source}, {"where", row.where}, {"why", row.why}}.dump(-1, ' ', false,
                                                                                      Json::error_handler_t::replace)
         << '\n';
  }
  checkpoint::write_file_atomically(path_ / "bad_rows.jsonl", list.str());
}

bool RunFolder::finished_as_asked() const {
  const fs::path file = path_ / "finished.json";
  return fs::exists(file) && checkpoint::read_json(file).value("identity", "") == identity_;
}

void RunFolder::finish() {
  checkpoint::write_file_atomically(path_ / "finished.json", Json{{"identity", identity_}}.dump() + "\n");
  for (const std::int64_t step : checkpoints()) fs::remove_all(path_ / fmt::format("checkpoint-{}", step));
  fs::remove_all(path_ / "best");
}

}  // namespace cambium::tune
