#include "merge/verification.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <set>

#include "checkpoint/json.h"
#include "checkpoint/json_reading.h"
#include "checkpoint/model_folder.h"
#include "checkpoint/open_file.h"
#include "merge/provenance.h"
#include "merge/recipe.h"
#include "merge/source_pool.h"
#include "merge/stored_bytes.h"
#include "tensor/error.h"
#include "tensor/progress.h"
#include "tensor/workers.h"

namespace cambium::merge {
namespace {

using checkpoint::ContentHash;
using checkpoint::Json;

class Verifier {
 public:
  Verifier(const std::filesystem::path& folder, Workers& workers, Progress& progress)
      : folder_(folder), workers_(workers), progress_(progress) {
    const std::filesystem::path file = folder / kProvenanceFile;
    if (!std::filesystem::exists(file)) {
      throw CheckpointError(fmt::format("{}: there is no {}; only what cambium merged can be verified", folder.string(),
                                        kProvenanceFile));
    }
    json_ = checkpoint::read_json(file);
    const bool ours = json_.is_object() && json_.contains("format") && json_["format"] == "cambium-provenance";
    if (!ours || !json_.contains("tensors") || !json_["tensors"].is_array()) {
      throw CheckpointError(fmt::format("{}: not a provenance file of cambium", file.string()));
    }
  }

  Verification run(bool inputs) {
    checkpoint::reading_json((folder_ / kProvenanceFile).string(), [&] {
      files();
      output();
      if (inputs) all_inputs();
    });
    return std::move(result_);
  }

 private:
  void differ(std::string where, std::string name, std::string found) {
    result_.differences.push_back({std::move(where), std::move(name), std::move(found)});
  }

  void files() {
    for (const Json& file : json_.value("files", Json::array())) {
      const auto name = file.at("name").get<std::string>();
      const std::filesystem::path path = folder_ / name;
      ++result_.files;
      if (!std::filesystem::is_regular_file(path)) {
        differ("file", name, "is missing");
        continue;
      }
      const std::string hash = to_string(checkpoint::hash_text(checkpoint::read_file(path)));
      const auto wanted = file.at("hash").get<std::string>();
      if (hash != wanted) differ("file", name, fmt::format("has hash {} instead of {}", hash, wanted));
    }
  }

  // Compares one tensor of a model; false if it differs.
  bool compare(const checkpoint::WeightSource& weights, const std::string& where, const std::string& name,
               const std::string& wanted) {
    if (progress_.stop_requested()) throw Interrupted("stopped by the user");
    const checkpoint::TensorInfo* info = weights.find(name);
    if (info == nullptr) {
      differ(where, name, "is missing");
      return false;
    }
    const std::string hash = to_string(hash_stored(weights, *info, workers_));
    progress_.advance(info->bytes());
    if (hash == wanted) return true;
    differ(where, name, fmt::format("has hash {} instead of {}", hash, wanted));
    return false;
  }

  void output() {
    const checkpoint::ModelFolder model(folder_);
    progress_.begin("verify output", model.total_bytes(), "B");
    std::set<std::string> known;
    for (const Json& tensor : json_["tensors"]) {
      const auto name = tensor.at("name").get<std::string>();
      known.insert(name);
      compare(model, "output", name, tensor.at("hash").get<std::string>());
      ++result_.tensors;
    }
    for (const checkpoint::TensorInfo& tensor : model.tensors()) {
      if (!known.contains(tensor.name)) differ("output", tensor.name, "is not in the provenance");
    }
  }

  void all_inputs() {
    std::map<std::string, std::map<std::string, std::string>> wanted;  // model, tensor, hash
    for (const Json& tensor : json_["tensors"]) {
      for (const Json& input : tensor.at("inputs")) {
        for (const Json& read : input.at("tensors")) {
          wanted[input.at("model").get<std::string>()][read.at("name").get<std::string>()] =
              read.at("hash").get<std::string>();
        }
      }
    }
    SourcePool pool;
    const Recipe recipe = asking();
    for (const auto& [model, tensors] : wanted) {
      VerifiedInput input{model, VerifiedInput::State::kSame, 0};
      const Source* source = nullptr;
      try {
        if (const auto reference = ModelReference::parse(model)) source = &pool.open(*reference, recipe);
      } catch (const Error&) {
        source = nullptr;
      }
      if (source == nullptr) {
        input.state = VerifiedInput::State::kNotThere;
      } else {
        std::uint64_t bytes = 0;
        for (const auto& [name, hash] : tensors) {
          const checkpoint::TensorInfo* info = source->weights().find(name);
          bytes += info == nullptr ? 0 : info->bytes();
        }
        progress_.begin("verify " + model, bytes, "B");
        for (const auto& [name, hash] : tensors) {
          if (!compare(source->weights(), model, name, hash)) input.state = VerifiedInput::State::kDiffers;
          ++input.tensors;
        }
      }
      result_.inputs.push_back(std::move(input));
    }
  }

  // The recipe, for the documents that it may name as models.
  Recipe asking() const {
    try {
      return parse_recipe(json_.value("recipe", ""), (folder_ / kProvenanceFile).string(), {});
    } catch (const Error&) {
      return {};
    }
  }

  std::filesystem::path folder_;
  Workers& workers_;
  Progress& progress_;
  Json json_;
  Verification result_;
};

}  // namespace

Verification verify_output(const std::filesystem::path& folder, bool inputs, Workers& workers, Progress& progress) {
  return Verifier(folder, workers, progress).run(inputs);
}

}  // namespace cambium::merge
