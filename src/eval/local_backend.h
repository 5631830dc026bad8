#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "eval/backend.h"
#include "tasks/dataset.h"

namespace cambium::model {
class Engine;
class MediaTowers;
}  // namespace cambium::model

namespace cambium::eval {

/// What a LocalBackend needs to know besides the engine.
struct LocalModel {
  std::filesystem::path folder;  ///< of tokenizer, chat template and generation_config.json
  std::string label;
  std::string fingerprint;  ///< empty: not stored
  std::string dtype = "float32";
  std::uint64_t parameters = 0;
  std::vector<std::int32_t> stop_ids = {};  ///< tokens that end a generation, besides the tokenizer's own
  std::size_t max_length = 0;               ///< 0: the model's
  unsigned threads = 0;                     ///< for tokenization; 0: all CPUs
  /// Towers of a model that takes pictures, sounds or clips, asked for with the first of them; may be empty.
  std::function<const model::MediaTowers&()> media = {};
  tasks::DataSearch data = {};  ///< where their files are
  /// Prompt tokens that are handed to the engine at once; what lies beyond is planned when these are done.
  std::size_t batch_tokens = std::size_t{2} << 20;
};

/// Answers with an engine in this process, with the numbers of lm-evaluation-harness's `hf` model.
///
/// Contexts and continuations are split as there (token_split.h); what prompts have in common from the start is
/// computed once. With float32 on the CPU an answer has the same bits whatever is asked beside it.
class LocalBackend final : public Backend {
 public:
  /// The engine must outlive it.
  /// @throws CheckpointError  the folder has no tokenizer, or one with more tokens than the model has rows
  /// @throws UsageError       max_length is beyond what the model can read
  LocalBackend(model::Engine& engine, LocalModel model);
  ~LocalBackend() override;

  [[nodiscard]] const BackendFacts& facts() const override;
  [[nodiscard]] BackendWork work() const override;
  [[nodiscard]] const text::ChatTemplate* chat_template() const override;
  void answer(std::span<const Question> questions, std::uint64_t seed, AnswerSink& sink) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::eval
