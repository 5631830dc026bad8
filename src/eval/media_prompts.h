#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "eval/token_split.h"
#include "model/engine/requests.h"
#include "tasks/dataset.h"
#include "tasks/request.h"

namespace cambium::model {
class MediaTowers;
}

namespace cambium::eval {

/// Hashes of what requests' pictures, sounds and clips hold; each file is read once. Not thread-safe.
class MediaContents {
 public:
  explicit MediaContents(tasks::DataSearch data) : data_(std::move(data)) {}
  /// Empty for a request without media. @throws RecipeError  a file is in none of the data's folders
  [[nodiscard]] std::string content_of(const tasks::Request& request);

 private:
  tasks::DataSearch data_;
  std::map<std::string, std::uint64_t> known_;
};

/// Prompts with pictures, sounds and clips. A text without any placeholder gets them in front. Not thread-safe.
class MediaPrompts {
 public:
  /// @param towers, tokenizer  must outlive this @param folder  of the model's processor files
  MediaPrompts(const model::MediaTowers& towers, const text::Tokenizer& tokenizer, const std::filesystem::path& folder,
               tasks::DataSearch data);
  ~MediaPrompts();

  struct Split {
    model::Prompt context;
    Tokens continuation;
  };
  /// Context and continuation, split as TokenSplitter does.
  /// @throws RecipeError, UsageError, CheckpointError  a missing or broken file, a modality the model does not take
  /// @throws ValueError  more than max_length tokens: a prompt with pictures is not cut
  [[nodiscard]] Split split(const tasks::Request& request, std::size_t max_length);
  /// A prompt to generate from. @throws as split
  [[nodiscard]] model::Prompt prompt(const tasks::Request& request, std::size_t longest);

  /// Forgets the encoded items.
  void forget();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::eval
