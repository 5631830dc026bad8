#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/media/media_prompt.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"
#include "tune/training_row.h"

namespace cambium::tune {

/// A row as the model reads it. All lists have the same length.
struct LabelledTokens {
  std::vector<std::int64_t> ids;
  std::vector<std::uint8_t>
      learned;  ///< 1: the token is one of the assistant's (or of raw text): predicting it is trained
  std::vector<model::MediaPlace> places;
  std::vector<model::MediaItem> media;  ///< one a place, in order
  [[nodiscard]] std::int64_t supervised() const;
  /// Keeps the first `length` tokens; a picture that does not fit goes as a whole.
  void cut(std::size_t length);
};

/// Turns rows into tokens with labels.
///
/// What the assistant wrote is found by rendering the conversation up to each of its turns with and without the turn:
/// what the turn adds behind the generation prompt is learned, the mark that ends it included, white space behind that
/// mark not. So templates need no {% generation %} tags.
class RowTokenizer {
 public:
  /// @param chat_template  a file, or empty: the model's own; a model without gets a plain one ("USER: ... ASSISTANT:
  /// ...")
  RowTokenizer(const std::filesystem::path& model_folder, const model::MediaTowers& towers,
               const std::string& chat_template);

  /// @throws RecipeError  the template cannot render the conversation; the model does not take the row's media
  [[nodiscard]] LabelledTokens tokens(const TrainingRow& row, const std::string& where) const;
  [[nodiscard]] const text::Tokenizer& tokenizer() const { return tokenizer_; }
  /// The chat template was made up.
  [[nodiscard]] bool plain_template() const { return plain_; }

  /// Spans of the rendering (code points) that the assistant's turns wrote, and the rendering.
  struct Rendering {
    std::string text;
    std::vector<std::pair<std::size_t, std::size_t>> spans;
  };
  [[nodiscard]] Rendering render(const std::vector<model::ChatMessage>& messages) const;

 private:
  LabelledTokens expand(const std::string& text, const std::vector<std::pair<std::size_t, std::size_t>>& spans) const;

  const model::MediaTowers& towers_;
  text::Tokenizer tokenizer_;
  std::unique_ptr<text::ChatTemplate> template_;
  model::Placeholders placeholders_;
  bool plain_ = false;
};

}  // namespace cambium::tune
